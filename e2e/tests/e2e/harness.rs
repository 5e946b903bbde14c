//! What every test stands on.

pub mod app;
pub mod browser;
pub mod chromium;
// The tool's own: a test that stops PostgreSQL needs one for itself.
#[path = "../../../xtask/src/cluster.rs"]
pub mod cluster;
pub mod database;
pub mod fleet;
pub mod gateway;
pub mod grpc;
pub mod letter;
pub mod line;
pub mod lossy;
pub mod patience;
pub mod portal;
pub mod process;
pub mod proxy;
pub mod raw_http;
pub mod receiver;
pub mod redis;
pub mod smtp;
pub mod storm;
pub mod telemetry;
pub mod tls;
pub mod upstream;
pub mod world;

/// Runs each scenario once on SQLite and once on PostgreSQL, under its own name.
macro_rules! on_both_databases {
    ($($(#[$attribute:meta])* async fn $name:ident($world:ident: &World) $body:block)*) => {
        $($(#[$attribute])* mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn scenario($world: &World) $body

            #[test]
            fn sqlite() {
                $crate::harness::world::run($crate::harness::database::Kind::Sqlite, scenario);
            }

            #[test]
            fn postgres() {
                $crate::harness::world::run($crate::harness::database::Kind::Postgres, scenario);
            }
        })*
    };
}
pub(crate) use on_both_databases;
