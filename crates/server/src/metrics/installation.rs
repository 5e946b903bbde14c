//! The nodes of the installation, as this one saw them last.

use claviger_manage::nodes::{Seen, Standing};

use super::page::Page;

pub(super) fn write(page: &mut Page, seen: &Seen) {
    let nodes = [("live", Standing::Live), ("lost", Standing::Lost)].map(|(state, standing)| {
        let count = seen.nodes.iter().filter(|node| node.standing == standing).count();
        ([("state", state)], count as f64)
    });
    let help = "Nodes as this one sees them, itself included; lost: silent, and did not sign off.";
    page.gauges("claviger_nodes", help, nodes);
}
