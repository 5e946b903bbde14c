#![no_main]
#![allow(missing_docs)]

libfuzzer_sys::fuzz_target!(|data: &[u8]| claviger_fuzz::mysql_dump::check(data));
