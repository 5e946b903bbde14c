//! A line to the doors that loses answers, as networks do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::line::listen_before;

/// A line: whoever connects to its address reaches the doors.
pub struct LossyLine {
    /// Where it begins.
    pub address: SocketAddr,
    loses_next: Arc<AtomicBool>,
}

// === impl LossyLine ===

impl LossyLine {
    /// A line to these doors.
    pub async fn to(doors: SocketAddr) -> Self {
        let loses_next = Arc::new(AtomicBool::new(false));
        let loses = Arc::clone(&loses_next);
        let carry = move |near: TcpStream, far: TcpStream| carry(near, far, Arc::clone(&loses));
        Self { address: listen_before(&format!("http://{doors}"), carry).await, loses_next }
    }

    /// The next answer is lost when the doors have given it, with its connection.
    pub fn lose_next_answer(&self) {
        self.loses_next.store(true, Ordering::SeqCst);
    }
}

/// Until either side closes, or an answer is lost.
async fn carry(near: TcpStream, far: TcpStream, loses: Arc<AtomicBool>) {
    let ((mut from_near, mut to_near), (mut from_far, mut to_far)) = (near.into_split(), far.into_split());
    let answers = async {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let count = from_far.read(&mut bytes).await?;
            if count == 0 || loses.swap(false, Ordering::SeqCst) {
                return Ok::<_, std::io::Error>(());
            }
            to_near.write_all(&bytes[..count]).await?;
        }
    };
    tokio::select! {
        _ = tokio::io::copy(&mut from_near, &mut to_far) => {}
        _ = answers => {}
    }
}
