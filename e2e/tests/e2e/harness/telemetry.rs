//! What a server says of itself at `/metrics`.

use std::net::SocketAddr;

use super::raw_http::Request;

/// One figure by its name with its labels, as it stands on the page; `None` if it is not there.
pub async fn figure(telemetry: SocketAddr, series: &str) -> Option<f64> {
    let page = Request::get("/metrics").send(telemetry).await.expect(200).text();
    let value = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned));
    value.map(|value| value.parse().expect("a number"))
}
