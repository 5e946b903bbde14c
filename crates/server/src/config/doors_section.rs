//! The section `[doors]`: the listener's settings and the doors' own side by side.
//!
//! `#[serde(flatten)]` reads that too, but forgets the line of a wrong value.

use std::fmt;

use claviger_doors::{Address, SocketMode, TlsFiles};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::DoorsConfig;

struct Section;

/// What is the listener's.
#[derive(Default)]
struct Listener {
    listen: Option<Address>,
    socket_mode: Option<SocketMode>,
    tls: Option<TlsFiles>,
}

/// The entries of a map but the listener's, which are put aside.
struct WithoutListener<'a, A> {
    entries: A,
    listener: &'a mut Listener,
}

// === impl DoorsConfig ===

impl<'de> Deserialize<'de> for DoorsConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Section)
    }
}

// === impl Section ===

impl<'de> Visitor<'de> for Section {
    type Value = DoorsConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings of the doors")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<DoorsConfig, A::Error> {
        let mut listener = Listener::default();
        let rest = WithoutListener { entries, listener: &mut listener };
        let settings = Deserialize::deserialize(MapAccessDeserializer::new(rest))?;
        Ok(DoorsConfig {
            listen: listener.listen.unwrap_or_else(super::doors_listen_default),
            socket_mode: listener.socket_mode.unwrap_or_default(),
            tls: listener.tls,
            settings,
        })
    }
}

// === impl WithoutListener ===

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutListener<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.entries.next_key::<String>()? {
            match key.as_str() {
                "listen" => self.listener.listen = Some(self.entries.next_value()?),
                "socket_mode" => self.listener.socket_mode = Some(self.entries.next_value()?),
                "tls" => self.listener.tls = Some(self.entries.next_value()?),
                _ => return seed.deserialize(key.into_deserializer()).map(Some),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.entries.next_value_seed(seed)
    }
}
