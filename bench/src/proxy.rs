//! A proxy before PostgreSQL that passes everything on but notifications (the manual's "Frontend/Backend Protocol").

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::Result;

/// The type byte of a notification for a listener.
const NOTIFICATION: u8 = b'A';

/// Starts one before the server at `server`, and says where it listens; it lives as long as this process.
pub fn without_notifications(server: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A connection that ends, ends on both sides.
            let _ = relay(client, server);
        }
    });
    Ok(address)
}

fn relay(client: TcpStream, server: SocketAddr) -> Result {
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    thread::spawn(move || {
        let _ = answers(&server, &client);
        let _ = client.shutdown(Shutdown::Both);
    });
    Ok(())
}

/// Passes on message by message. A client that asks for no TLS is answered with messages alone.
fn answers(from: &TcpStream, mut to: &TcpStream) -> Result {
    let mut from = BufReader::new(from);
    loop {
        let mut head = [0; 5];
        from.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        // The length counts itself.
        let mut message = head.to_vec();
        message.resize(1 + u32::from_be_bytes(length) as usize, 0);
        from.read_exact(&mut message[head.len()..])?;
        if kind != NOTIFICATION {
            to.write_all(&message)?;
        }
    }
}
