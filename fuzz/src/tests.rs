//! Seeds and random inputs, without instrumentation.

use std::path::Path;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 8] = [
    ("path", crate::path::check),
    ("client_ip", crate::client_ip::check),
    ("cidr_list", crate::cidr_list::check),
    ("basic_header", crate::basic_header::check),
    ("token", crate::token::check),
    ("http1", crate::http1::check),
    ("check", crate::check::check),
    ("mysql_dump", crate::mysql_dump::check),
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

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let entries = std::fs::read_dir(folder).expect("a folder of seeds");
    let seeds: Vec<_> = entries.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a seed")).collect();
    assert!(!seeds.is_empty(), "{name} has no seed");
    seeds
}

#[test]
fn every_seed_holds() {
    for (name, check) in TARGETS {
        seeds(name).iter().for_each(|seed| check(seed));
    }
}

/// What has a form at all: random bytes seldom do.
#[test]
fn changed_seeds_hold() {
    let mut bytes = Bytes(0x2545_f491_4f6c_dd1d);
    for (name, check) in TARGETS {
        let seeds = seeds(name);
        for seed in seeds.iter().cycle().take(2_000).filter(|seed| !seed.is_empty()) {
            let mut input = seed.clone();
            let at = usize::from(u16::from_be_bytes([bytes.next(), bytes.next()])) % input.len();
            match bytes.next() % 4 {
                0 => input[at] = bytes.next(),
                1 => drop(input.remove(at)),
                2 => input.insert(at, bytes.next()),
                _ => input.extend_from_within(at..),
            }
            check(&input);
        }
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
