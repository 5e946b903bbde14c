//! The section `[doors]`: the listener's address and the doors' own settings side by side.
//!
//! `#[serde(flatten)]` reads that too, but forgets the line of a wrong value.

use std::fmt;

use claviger_doors::Address;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::DoorsConfig;

struct Section;

/// The entries of a map but `listen`, which is put aside.
struct WithoutListen<'a, A> {
    entries: A,
    listen: &'a mut Option<Address>,
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
        let mut listen = None;
        let rest = WithoutListen { entries, listen: &mut listen };
        let settings = Deserialize::deserialize(MapAccessDeserializer::new(rest))?;
        Ok(DoorsConfig { listen: listen.unwrap_or_else(super::doors_listen_default), settings })
    }
}

// === impl WithoutListen ===

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutListen<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.entries.next_key::<String>()? {
            if key != "listen" {
                return seed.deserialize(key.into_deserializer()).map(Some);
            }
            *self.listen = Some(self.entries.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.entries.next_value_seed(seed)
    }
}
