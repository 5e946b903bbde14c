//! Limits over many nodes: blocks of quotas, and Redis.

use claviger_engine::LimitsMetrics;

use crate::limits::Reading;

use super::page::Page;

pub(super) fn write(page: &mut Page, reading: &Reading, engine: &LimitsMetrics) {
    page.gauge("claviger_limit_counters", "Counters of limits in memory.", engine.counters as f64);
    let help = "Counters of limits that may be in memory at once.";
    page.gauge("claviger_limit_counters_max", help, engine.counters_max as f64);
    let help = "Requests that waited for a block of a quota, or for Redis.";
    page.counter("claviger_limit_waits_total", help, engine.waited);
    let help = "Times that whoever keeps limits could not be asked, or answered too late.";
    page.counter("claviger_limit_unavailable_total", help, engine.unavailable);
    let otherwise = engine.otherwise.map(|(kind, result, count)| ([("kind", kind), ("result", result)], count));
    let help = "Limits that went as is configured because whoever keeps them could not be asked.";
    page.counters("claviger_limit_otherwise_total", help, otherwise);
    let help = "Limits for whose counters there was no room in memory: they went as limits.when_unavailable says.";
    page.counter("claviger_limit_no_room_total", help, engine.without_room);
    let refused = engine.refused.map(|(kind, on, count)| ([("kind", kind), ("on", on)], count));
    let help = "Limits that refused a request, by kind and on what they stand.";
    page.counters("claviger_limit_refusals_total", help, refused);
    let blocks = reading.blocks.iter().map(|(result, count)| ([("result", *result)], *count));
    let help = "Blocks of quotas that this node asked the database for, by what came of it.";
    page.counters("claviger_limit_blocks_total", help, blocks);
    let help = "Questions for blocks of quotas that run or wait their turn.";
    page.gauge("claviger_limit_blocks_asked", help, reading.asks_open as f64);
    let help = "Units that this node took in blocks of quotas.";
    page.counter("claviger_limit_units_taken_total", help, reading.units_taken);
    let help = "Units of blocks that this node gave back unspent.";
    page.counter("claviger_limit_units_returned_total", help, reading.units_returned);
    let help = "Blocks of quotas that wait to be given back: their units are nobody's meanwhile.";
    page.gauge("claviger_limit_returns_waiting", help, reading.returns_waiting as f64);
    let help = "Blocks of nodes that ended out of order which this node wrote off.";
    page.counter("claviger_limit_lost_blocks_total", help, reading.lost_blocks);
    let help = "Units of blocks that were written off: they count as spent, and at most so many of them were not.";
    page.counter("claviger_limit_lost_units_total", help, reading.lost_units);
    let help = "Live nodes, by which rates are divided where no Redis counts them.";
    page.gauge("claviger_limit_live_nodes", help, reading.live_nodes as f64);
    let calls = reading.redis.iter().map(|(result, count)| ([("result", *result)], *count));
    page.counters("claviger_limit_redis_calls_total", "Questions to Redis, by what came of them.", calls);
    let took = reading.redis_took.iter().map(|took| ([], took.clone()));
    page.durations("claviger_limit_redis_seconds", "How long answers of Redis took.", took);
    let up = reading.redis_up.map(|up| ([], f64::from(u8::from(up))));
    let help = "1 while Redis answers; 0: rates go as limits.redis_unavailable says.";
    page.gauges("claviger_limit_redis_up", help, up);
}
