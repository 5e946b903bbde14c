//! The golden verdicts (`e2e/golden/*.json`) through every door of the real server; the state is made through the management
//! API. The format stands in `e2e/golden/README.md`.

mod doors;
mod people;
mod question;
mod state;

use claviger_server::config::SecondFactor;
use serde_json::Value;

use self::doors::Door;
use self::question::Question;
use self::state::State;
use crate::harness::database::Kind;
use crate::harness::on_both_databases;
use crate::harness::world::{World, run_with};

/// So many cases of the first file must be expressible at each door.
const CASES_MIN: usize = 150;

// One test a file: each has a state, and so a server, of its own.
on_both_databases! {
    async fn golden_verdicts_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../../golden/verdicts.json")).await;
        assert!(asked.iter().all(|&count| count >= CASES_MIN), "asked at each door: {asked:?}");
    }

    async fn golden_terms_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../../golden/terms.json")).await;
        assert!(asked.iter().all(|&count| count >= 30), "asked at each door: {asked:?}");
    }

    async fn golden_sharing_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../../golden/sharing.json")).await;
        assert!(asked.iter().all(|&count| count >= 60), "asked at each door: {asked:?}");
    }

    async fn golden_answers_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../../golden/answers.json")).await;
        // Keys of these APIs stand where introspection does not look.
        assert!(asked[1..5].iter().all(|&count| count >= 40), "asked at each door: {asked:?}");
    }

    async fn golden_owners_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../../golden/owners.json")).await;
        // Pairs are no tokens.
        assert!(asked[..5].iter().all(|&count| count >= 80) && asked[5] >= 60, "asked at each door: {asked:?}");
    }

    async fn golden_people_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../../golden/people.json")).await;
        assert!(asked.iter().all(|&count| count >= 30), "asked at each door: {asked:?}");
    }

    async fn golden_limits_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../../golden/limits.json")).await;
        assert!(asked.iter().all(|&count| count >= 23), "asked at each door: {asked:?}");
    }

    /// Signatures in the place of keys: doors without the body have few cases.
    async fn w_14_golden_signatures_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../../golden/signatures.json")).await;
        assert!(asked[0] >= 20 && asked[4] >= 25 && asked[1..4].iter().all(|&count| count >= 3), "{asked:?}");
    }

    async fn golden_versions_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../../golden/versions.json")).await;
        assert!(asked.iter().all(|&count| count >= 80), "asked at each door: {asked:?}");
    }
}

mod golden_sign_ins_at_every_door {
    use super::*;

    /// Whoever has not set codes up may do nothing else: so a session for that alone can be had.
    fn judge_on(kind: Kind) {
        run_with(
            kind,
            |config| config.api_users.second_factor = SecondFactor::Obligatory,
            async |world| {
                let asked = judge(world, include_str!("../../../golden/sign_ins.json")).await;
                // A credential of several parts is no token.
                assert!(asked[..5].iter().all(|&count| count >= 50), "asked at each door: {asked:?}");
            },
        );
    }

    #[test]
    fn sqlite() {
        judge_on(Kind::Sqlite);
    }

    #[test]
    fn postgres() {
        judge_on(Kind::Postgres);
    }
}

/// How many cases each door was asked.
type Asked = [usize; Door::ALL.len()];

/// Makes the state of a file and asks every case at each door that can express it.
async fn judge(world: &World, corpus: &str) -> Asked {
    let golden = Golden::make(world, corpus).await;
    golden.ask(world).await
}

/// A file of verdicts whose state was made.
pub struct Golden {
    corpus: Value,
    state: State,
}

// === impl Golden ===

impl Golden {
    pub async fn make(world: &World, corpus: &str) -> Self {
        let corpus: Value = serde_json::from_str(corpus).expect("JSON");
        let state = State::make(world, &corpus["state"]).await;
        Self { corpus, state }
    }

    /// Asks every case at each door that can express it.
    pub async fn ask(&self, world: &World) -> Asked {
        let Self { corpus, state } = self;
        let (mut wrong, mut asked) = (Vec::new(), Asked::default());
        for case in list(&corpus["cases"]).iter().filter(|case| !state.needs_impossible_key(case)) {
            world.advance_to(text(&case["now"]));
            for (door, count) in Door::ALL.iter().zip(&mut asked) {
                let question = Question { state, case };
                if let Some(answer) = door.ask(&question, world.doors).await {
                    *count += 1;
                    if let Err(difference) = question.compare(&answer) {
                        wrong.push(format!("{door:?}, {}: {difference}", text(&case["name"])));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        asked
    }

    /// Asks every case that `/v1/verify` can express by others than raw requests: each of their verdicts must be the golden one.
    pub async fn ask_by(&self, world: &World, mut ask: impl AsyncFnMut(Value, Option<&str>) -> Vec<Value>) {
        let Self { corpus, state } = self;
        let mut wrong = Vec::new();
        for case in list(&corpus["cases"]).iter().filter(|case| !state.needs_impossible_key(case)) {
            world.advance_to(text(&case["now"]));
            let question = Question { state, case };
            let Some(body) = question.json() else { continue };
            for answer in ask(body, question.token()).await {
                if let Err(difference) = question.compare_to(&question.at_verify(&answer)) {
                    wrong.push(format!("{}: {difference}", text(&case["name"])));
                }
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
