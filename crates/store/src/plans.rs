//! How the databases read lists: by an index that has their order, and never a table of very many rows whole. The statements are those
//! that the functions of this crate run.

use claviger_domain::approval::Approval;
use claviger_domain::audit::Chain;
use claviger_domain::credential::Environment;
use claviger_domain::key::{Key, Owner, State};
use claviger_domain::link::LinkKind;
use claviger_domain::rules::Rules;
use claviger_domain::usage::{DAY_MICROS, Subject};
use claviger_domain::verdict::Code;
use claviger_domain::{ApiId, ApiSetId, ApplicationId, ApplicationTypeId, KeyId, RoleId, UserId};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use crate::applications::ApplicationFilter;
use crate::audit::AuditFilter;
use crate::harness::Place;
use crate::keys::{KeyFilter, KeySort};
use crate::members::MemberFilter;
use crate::organizations::OrganizationFilter;
use crate::refusals::RefusalFilter;
use crate::sample::{
    add_keys, add_organizations, api, api_set, at, chain, ip, key, operation, organization_id, pattern, scope,
};
use crate::usage::{Span, Step, TopFilter};
use crate::{Conn, Cursor, CursorValue, DatabaseUrl, Page, RecordSort};
use crate::{
    api_sets, apis, applications, audit, keys, links, members, organizations, refusals, sightings, stories, transact,
    usage,
};

/// Three times as many keys as are put in order, and more: also of those that have ended, that wait and that do neither, lists are
/// walked. The second organization has few.
const MANY: u128 = 3_006;
const RECORD_SORTS: [RecordSort; 6] = [
    RecordSort::Slug,
    RecordSort::SlugDescending,
    RecordSort::Name,
    RecordSort::NameDescending,
    RecordSort::Newest,
    RecordSort::Oldest,
];
const KEY_SORTS: [KeySort; 4] = [KeySort::Newest, KeySort::Oldest, KeySort::Name, KeySort::NameDescending];

/// What a plan may do beside walking an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    /// Nothing.
    Nothing,
    /// Put in order what an index found: few rows, or those of one record.
    Sort,
}

/// The first page of a list, and one behind a row.
fn pages(value: CursorValue) -> [Page; 2] {
    [Page::first(50), Page { limit: 50, after: Some(Cursor { value, id: "x_01".to_owned() }) }]
}

fn text() -> CursorValue {
    CursorValue::Text("a".to_owned())
}

fn pages_of(sort: RecordSort) -> [Page; 2] {
    match sort {
        RecordSort::Newest | RecordSort::Oldest => pages(CursorValue::Number(1)),
        _ => pages(text()),
    }
}

fn key_pages(sort: KeySort) -> [Page; 2] {
    match sort {
        KeySort::Newest | KeySort::Oldest => pages(CursorValue::Number(1)),
        KeySort::Name | KeySort::NameDescending => pages(text()),
    }
}

/// A filter of each sort, and those that pages of the console put together.
fn key_filters() -> Vec<KeyFilter> {
    let none = KeyFilter { now: at(1_000_000), rules: Rules::default(), ..KeyFilter::default() };
    let with = |change: &dyn Fn(&mut KeyFilter)| {
        let mut filter = none.clone();
        change(&mut filter);
        filter
    };
    let mut filters = vec![
        none.clone(),
        with(&|filter| filter.owner = Some(Owner::User(UserId::from_raw(1)))),
        with(&|filter| filter.creator = Some("key_creator".to_owned())),
        with(&|filter| filter.api_set = Some(ApiSetId::from_raw(1))),
        with(&|filter| filter.api = Some(ApiId::from_raw(1))),
        with(&|filter| filter.environment = Some(Environment::Test)),
        with(&|filter| filter.created_from = Some(at(5))),
        with(&|filter| filter.created_before = Some(at(5))),
        with(&|filter| filter.used_from = Some(at(5))),
        with(&|filter| filter.used_before = Some(at(5))),
        with(&|filter| filter.refused_from = Some(at(0))),
        with(&|filter| filter.ends_by = Some(at(2_000_000))),
        with(&|filter| filter.tag = Some("a".to_owned())),
        with(&|filter| filter.external_id = Some("many".to_owned())),
        with(&|filter| filter.text = Some("a".to_owned())),
        with(&|filter| (filter.owner, filter.text) = (Some(Owner::User(UserId::from_raw(1))), Some("a".to_owned()))),
        with(&|filter| (filter.state, filter.ends_by) = (Some(State::Active), Some(at(2_000_000)))),
    ];
    for state in [State::Active, State::Disabled, State::Pending, State::Expired, State::NotYetValid, State::Deleted] {
        filters.push(with(&|filter| filter.state = Some(state)));
    }
    filters
}

stories! {
    async fn lists_of_keys_are_read_by_an_index_in_every_order_and_with_every_filter(place) {
        let store = with_many_keys(&place).await;
        let mut plans = Plans::new(&place).await;
        for organization in [1, 2] {
            for filter in key_filters() {
                for sort in KEY_SORTS {
                    for page in key_pages(sort) {
                        let (filter, mut conn) = (KeyFilter { sort, ..filter.clone() }, store.read().await.unwrap());
                        keys::list(&mut conn, organization_id(organization), &filter, &page).await.unwrap();
                        let is_few = conn.asked.iter().any(|statement| statement.contains("AS few CROSS JOIN"));
                        assert!(!is_few || organization == 2, "many are walked: {filter:?}");
                        // One index has the span of time, another the names.
                        let spans = filter.created_from.is_some() || filter.created_before.is_some();
                        let is_by_name = matches!(sort, KeySort::Name | KeySort::NameDescending);
                        let may = if is_few || (spans && is_by_name) { May::Sort } else { May::Nothing };
                        plans.check(&mut conn, may).await;
                    }
                }
            }
        }
        assert!(plans.checked > 500, "{}", plans.checked);
    }

    async fn what_pages_ask_of_keys_beside_lists_is_read_by_an_index(place) {
        let store = with_many_keys(&place).await;
        let (mut plans, mut conn) = (Plans::new(&place).await, store.read().await.unwrap());
        let (home, owner) = (organization_id(1), Owner::Application(ApplicationId::from_raw(1)));
        keys::count_of_owner(&mut conn, home, &owner, u32::MAX).await.unwrap();
        keys::first_of_owner(&mut conn, home, &owner).await.unwrap();
        keys::count(&mut conn, home).await.unwrap();
        keys::namesake(&mut conn, home, "a", KeyId::from_raw(1)).await.unwrap();
        keys::find_many(&mut conn, &[KeyId::from_raw(1)]).await.unwrap();
        crate::key_usage::get(&mut conn, &[KeyId::from_raw(1)]).await.unwrap();
        plans.check(&mut conn, May::Nothing).await;
        crate::key_usage::last_of_owner(&mut conn, home, &owner).await.unwrap();
        plans.check(&mut conn, May::Sort).await;
    }

    async fn what_people_are_told_of_is_found_by_an_index(place) {
        let store = with_many_keys(&place).await;
        let (mut plans, mut conn) = (Plans::new(&place).await, store.read().await.unwrap());
        let (home, rules) = (organization_id(1), Rules::default());
        let span = (at(0), at(40_000_000_000_000));
        for way in keys::Ending::ALL {
            for after in [None, Some((at(1), KeyId::from_raw(1)))] {
                let found = keys::ending(&mut conn, (home, &rules), way, span, after, 50).await.unwrap();
                assert_eq!(found.0.len(), if way == keys::Ending::Own { 50 } else { 0 }, "{way:?}");
            }
        }
        audit::from(&mut conn, Chain::Organization(home), 1, 200).await.unwrap();
        audit::oldest(&mut conn, Chain::Organization(home)).await.unwrap();
        audit::checkpoint(&mut conn, Chain::Organization(home)).await.unwrap();
        crate::notices::entries(&mut conn, home, (1, 200), &["key.create", "key.reveal"]).await.unwrap();
        crate::notices::cursor(&mut conn, home).await.unwrap();
        let told = crate::notices::Told {
            organization: home,
            object: "key_01".to_owned(),
            kind: claviger_domain::notice::NoticeKind::Expiry,
            threshold: "7".to_owned(),
            at: at(1),
        };
        crate::notices::untold(&mut conn, vec![told], &[String::new()]).await.unwrap();
        crate::outbox::by_key(&mut conn, "a").await.unwrap();
        plans.check(&mut conn, May::Nothing).await;
    }

    async fn usage_is_read_by_an_index_by_whatever_it_is_counted_and_however_fine(place) {
        let store = with_many_keys(&place).await;
        let (mut plans, mut conn) = (Plans::new(&place).await, store.read().await.unwrap());
        let (home, owner) = (organization_id(1), Owner::User(UserId::from_raw(1)));
        let key = KeyId::from_raw(1);
        let subjects = [
            Subject::All,
            Subject::Owner(owner),
            Subject::Api(ApiId::from_raw(1)),
            Subject::Set(ApiSetId::from_raw(1)),
            Subject::Key(key),
        ];
        let none = TopFilter::default();
        let filters = [none, TopFilter { code: Some(Code::Valid), ..none }, TopFilter { owner: Some(owner), ..none }];
        for (subject, step) in subjects.into_iter().flat_map(|subject| [Step::Minute, Step::Hour, Step::Day].map(|step| (subject, step))) {
            let span = Span { step, from: at(0), before: at(60 * DAY_MICROS) };
            usage::series(&mut conn, home, subject, &span).await.unwrap();
            plans.check(&mut conn, May::Nothing).await;
            for filter in &filters {
                usage::top(&mut conn, home, subject, &span, filter, 10).await.unwrap();
                plans.check(&mut conn, May::Sort).await;
            }
        }
        usage::rights_of(&mut conn, key, at(0)).await.unwrap();
        usage::since(&mut conn).await.unwrap();
        sightings::waiting_organizations(&mut conn, 10).await.unwrap();
        sightings::waiting(&mut conn, home, sightings::SightingKind::Network, 10).await.unwrap();
        plans.check(&mut conn, May::Nothing).await;
    }

    async fn the_audit_log_is_read_by_an_index_with_every_filter(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let mut plans = Plans::new(&place).await;
        let some = |text: &str| Some(text.to_owned());
        let none = AuditFilter::default;
        let filters = [
            none(),
            AuditFilter { actor: some("usr_01"), ..none() },
            AuditFilter { actor: some("user"), ..none() },
            AuditFilter { action: some("key.edit"), ..none() },
            AuditFilter { action: some("key.*"), ..none() },
            AuditFilter { object: some("key_01"), ..none() },
            AuditFilter { object: some("api_set"), ..none() },
            AuditFilter { object: some("org_01"), action: some("policy.*"), ..none() },
            AuditFilter { from: Some(at(1)), before: Some(at(2)), ..none() },
            AuditFilter { text: some("a"), ..none() },
            AuditFilter { up_to: Some(5), ..none() },
        ];
        for filter in filters {
            for (ascending, page) in [false, true].into_iter().flat_map(|up| pages(CursorValue::Number(1)).map(|page| (up, page))) {
                for chain in [chain(1), Chain::Installation] {
                    let mut conn = store.read().await.unwrap();
                    audit::list(&mut conn, chain, &AuditFilter { ascending, ..filter.clone() }, &page).await.unwrap();
                    plans.check(&mut conn, May::Nothing).await;
                }
            }
        }
    }

    async fn lists_of_people_and_organizations_are_read_by_an_index_in_every_order(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let (mut plans, home) = (Plans::new(&place).await, organization_id(1));
        let none = MemberFilter::default;
        let filters = [
            none(),
            MemberFilter { role: Some(RoleId::from_raw(1)), ..none() },
            MemberFilter { enabled: Some(true), ..none() },
            MemberFilter { locked: Some(true), ..none() },
            MemberFilter { text: Some("a".to_owned()), ..none() },
        ];
        for (sort, page) in RECORD_SORTS.into_iter().flat_map(|sort| pages_of(sort).map(|page| (sort, page))) {
            let mut conn = store.read().await.unwrap();
            for filter in &filters {
                members::list(&mut conn, home, &MemberFilter { sort, ..filter.clone() }, &page).await.unwrap();
            }
            for text in [None, Some("a".to_owned())] {
                organizations::some(&mut conn, &OrganizationFilter { text, sort }, &page).await.unwrap();
            }
            plans.check(&mut conn, May::Nothing).await;
        }
        let mut conn = store.read().await.unwrap();
        for (ascending, page) in [false, true].into_iter().flat_map(|up| pages(CursorValue::Number(1)).map(|page| (up, page))) {
            links::page(&mut conn, LinkKind::Invitation, home, ascending, &page).await.unwrap();
        }
        plans.check(&mut conn, May::Nothing).await;
    }

    /// An organization has few of these; where no index has the order they are sorted, but never those of others.
    async fn lists_of_an_organizations_few_records_read_no_others(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let (mut plans, home) = (Plans::new(&place).await, organization_id(1));
        for (sort, page) in RECORD_SORTS.into_iter().flat_map(|sort| pages_of(sort).map(|page| (sort, page))) {
            let is_by_name = matches!(sort, RecordSort::Name | RecordSort::NameDescending);
            for (kind, active) in [(None, None), (None, Some(true)), (Some(ApplicationTypeId::from_raw(1)), Some(false))] {
                for text in [None, Some("a".to_owned())] {
                    let (filter, mut conn) = (ApplicationFilter { kind, active, text, sort }, store.read().await.unwrap());
                    applications::list(&mut conn, home, &filter, &page).await.unwrap();
                    // What they are sorted and searched by has their address too, which may be too long for an index.
                    plans.check(&mut conn, if is_by_name { May::Sort } else { May::Nothing }).await;
                }
            }
            let mut conn = store.read().await.unwrap();
            apis::list(&mut conn, home, &apis::ApiFilter { sort, ..apis::ApiFilter::default() }, &page).await.unwrap();
            api_sets::list(&mut conn, home, &api_sets::ApiSetFilter { sort, ..api_sets::ApiSetFilter::default() }, &page).await.unwrap();
            crate::roles::list(&mut conn, home, None, sort, &page).await.unwrap();
            plans.check(&mut conn, May::Sort).await;
        }
    }

    async fn the_diagnostic_log_is_read_by_an_index_with_every_filter(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let (mut plans, home) = (Plans::new(&place).await, organization_id(1));
        let none = RefusalFilter::default;
        let filters = [
            none(),
            RefusalFilter { code: Some(Code::Expired), ..none() },
            RefusalFilter { ip: Some("192.0.2.1".parse().unwrap()), ..none() },
            RefusalFilter { api: Some("github".to_owned()), ..none() },
            RefusalFilter { from: Some(at(1)), before: Some(at(2)), ..none() },
            RefusalFilter { text: Some("a".to_owned()), ..none() },
        ];
        for filter in filters {
            for (ascending, page) in [false, true].into_iter().flat_map(|up| pages(CursorValue::Number(1)).map(|page| (up, page))) {
                let (filter, mut conn) = (RefusalFilter { ascending, ..filter.clone() }, store.read().await.unwrap());
                for key in [None, Some(KeyId::from_raw(1))] {
                    refusals::page(&mut conn, home, key, &filter, &page).await.unwrap();
                }
                plans.check(&mut conn, May::Nothing).await;
                // The logs of several keys have their orders each.
                let owner = Owner::Application(ApplicationId::from_raw(1));
                refusals::page_of_owner(&mut conn, home, &owner, &filter, &page).await.unwrap();
                plans.check(&mut conn, May::Sort).await;
            }
        }
    }
}

/// Two organizations; the first has many keys of every sort that filters find, the second none. A third of
/// them have ended, a third wait for approval.
async fn with_many_keys(place: &Place) -> crate::Store {
    let store = place.store().await;
    add_organizations(&store, 2).await;
    transact!(store, scope(1), |tx| async move {
        apis::insert(tx, &api(1, 1)).await?;
        crate::operations::replace(tx, organization_id(1), ApiId::from_raw(1), &[operation(1)]).await?;
        api_sets::insert(tx, &api_set(1, 1)).await
    })
    .await
    .unwrap();
    let record = |number| Key {
        api_sets: vec![ApiSetId::from_raw(1)],
        operations: vec![pattern(1, "*")],
        allowed_ips: vec![ip("192.0.2.0/24")].into(),
        external_id: Some("many".to_owned()),
        expires_at: Some(at(if number % 3 == 0 { 5_000 } else { 1_500_000 })),
        approval: (number % 3 == 1).then(|| Approval::asked(key(1, number).created_by, &[], at(1))),
        ..key(1, number)
    };
    add_keys(&store, (1..=MANY).map(record).collect()).await;
    let refused = format!(
        "INSERT INTO key_usage (key_id, organization_id, last_refused_at) SELECT id, organization_id, {} FROM keys",
        at(5).as_micros()
    );
    place.execute(refused).await;
    store
}

/// Asks a database how it would run statements.
struct Plans {
    database: Explainer,
    checked: usize,
}

enum Explainer {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

// === impl Plans ===

impl Plans {
    async fn new(place: &Place) -> Self {
        let database = match &place.config.url {
            DatabaseUrl::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                Explainer::Sqlite(sqlx::SqliteConnection::connect_with(&options).await.unwrap())
            }
            DatabaseUrl::Postgres(urls) => {
                let mut connection = sqlx::PgConnection::connect(urls.first()).await.unwrap();
                // Its tables are small here, and it would read them whole: the question is whether it could do otherwise.
                let settings = "SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off; \
                                SET plan_cache_mode = force_generic_plan;";
                sqlx::raw_sql(settings).execute(&mut connection).await.unwrap();
                Explainer::Postgres(connection)
            }
        };
        Self { database, checked: 0 }
    }

    /// Each statement that was asked since the last time.
    async fn check(&mut self, conn: &mut Conn, may: May) {
        let asked = std::mem::take(&mut conn.asked);
        assert!(!asked.is_empty());
        for statement in asked {
            for step in self.database.explain(&statement).await {
                if let Some(why) = objection(&step, may) {
                    panic!("{why}: {step}\n{statement}");
                }
            }
            self.checked += 1;
        }
    }
}

/// What is wrong with a step of a plan, as one of the databases writes it.
fn objection(step: &str, may: May) -> Option<&'static str> {
    // PostgreSQL's incremental sort orders what an index leaves even: here nothing.
    let sort = step.trim_start().trim_start_matches("->").trim_start().starts_with("Sort  (");
    let is_sorted = sort || step.contains("TEMP B-TREE FOR ORDER BY");
    if is_sorted && may == May::Nothing {
        return Some("sorted");
    }
    let scanned = step.strip_prefix("SCAN ").or_else(|| step.split_once("Seq Scan on ").map(|(_, table)| table));
    let table = scanned?.split_whitespace().next()?;
    // Not tables, or of one row; and the list of all organizations, which an index gives in its order.
    let is_no_table =
        ["few", "fitting", "some_keys", "steps", "s", "CONSTANT", "installation", "usage_since"].contains(&table);
    let is_in_order = table == "organizations" && step.contains("USING INDEX");
    // Of what was seen of keys only that which waits has this index.
    let is_waiting = step.contains("key_sightings_waiting");
    (!is_no_table && !is_in_order && !is_waiting).then_some("read whole")
}

// === impl Explainer ===

impl Explainer {
    async fn explain(&mut self, statement: &str) -> Vec<String> {
        match self {
            Self::Sqlite(connection) => {
                let text = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
                let rows = sqlx::raw_sql(text).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| row.get::<String, _>("detail")).collect()
            }
            Self::Postgres(connection) => {
                let values = (1..).take_while(|number| statement.contains(&format!("${number}"))).map(|_| "NULL");
                let values = values.collect::<Vec<_>>().join(", ");
                let values = if values.is_empty() { values } else { format!("({values})") };
                let prepare = format!("DEALLOCATE ALL; PREPARE asked AS {statement}");
                sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await.unwrap();
                let text = AssertSqlSafe(format!("EXPLAIN EXECUTE asked{values}"));
                let rows = sqlx::raw_sql(text).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| row.get::<String, _>(0)).collect()
            }
        }
    }
}
