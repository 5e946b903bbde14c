//! Seeds and random inputs, without instrumentation.

use std::path::Path;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 6] = [
    ("path", crate::path::check),
    ("client_ip", crate::client_ip::check),
    ("cidr_list", crate::cidr_list::check),
    ("basic_header", crate::basic_header::check),
    ("token", crate::token::check),
    ("http1", crate::http1::check),
];

/// Marsaglia's xorshift: repeatable, and good enough to shuffle bytes.
struct Bytes(u64);

impl Bytes {
    fn next(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u8
    }
}

#[test]
fn every_seed_holds() {
    for (name, check) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
        let mut seeds = 0;
        for entry in std::fs::read_dir(folder).expect("a folder of seeds") {
            check(&std::fs::read(entry.expect("an entry").path()).expect("a seed"));
            seeds += 1;
        }
        assert!(seeds > 0, "{name} has no seed");
    }
}

#[test]
fn random_inputs_hold() {
    let mut bytes = Bytes(0x9e37_79b9_7f4a_7c15);
    for (_, check) in TARGETS {
        for _ in 0..2_000 {
            let length = usize::from(bytes.next() % 64);
            let input: Vec<u8> = (0..length).map(|_| bytes.next()).collect();
            check(&input);
        }
    }
}
