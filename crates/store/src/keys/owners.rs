//! How many keys owners have, and what they are called.

use claviger_domain::application::SignIn;
use claviger_domain::key::Owner;
use claviger_domain::{KeyId, OrganizationId};

use crate::Result;
use crate::conn::Conn;
use crate::keys::row::{self, SELECT};
use crate::sql::sql;

/// The owners of a kind that have more living keys than a bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnersAbove {
    /// How many owners.
    pub count: i64,
    /// Those with the most keys first, and how many they have; only some of them where there are many.
    pub first: Vec<(Owner, i64)>,
}

/// The first living key of an owner by name: its id and its hint.
pub async fn first_of_owner(
    conn: &mut Conn,
    organization: OrganizationId,
    owner: &Owner,
) -> Result<Option<(KeyId, String)>> {
    let statement = sql(SELECT)
        .push(" WHERE organization_id = $1 AND owner = $2 AND deleted_at IS NULL ORDER BY name_search LIMIT 1");
    let row = conn.row(statement.bind(organization).bind(owner.id()), |row| row::read(row)).await?;
    Ok(row.map(|row| (row.key.id, row.key.secret.hint)))
}

/// How many living keys an owner has, counted up to `enough`.
pub async fn count_of_owner(conn: &mut Conn, organization: OrganizationId, owner: &Owner, enough: u32) -> Result<i64> {
    let statement = sql("SELECT COUNT(*) FROM (SELECT 1 FROM keys WHERE organization_id = $1 AND owner = $2 \
                         AND deleted_at IS NULL LIMIT $3) AS some_keys");
    conn.number(statement.bind(organization).bind(owner.id()).bind(i64::from(enough))).await
}

/// How many living keys of applications that sign an organization has.
pub async fn count_that_sign(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    let statement = sql("SELECT COUNT(*) FROM application_types t JOIN applications a ON a.type_id = t.id \
                         JOIN keys k ON k.organization_id = t.organization_id AND k.owner = a.id \
                         WHERE t.organization_id = $1 AND t.sign_in = $2 AND k.deleted_at IS NULL");
    conn.number(statement.bind(organization).bind(SignIn::Signature.as_str())).await
}

/// The owners of keys of this kind (`organization`, `user`, `application`) that have more than `bound` living ones; at most
/// `limit` of them are named.
pub async fn owners_above(
    conn: &mut Conn,
    organization: OrganizationId,
    owner_kind: &str,
    bound: u32,
    limit: usize,
) -> Result<OwnersAbove> {
    let ids = match owner_kind {
        "user" => "usr_%",
        "application" => "app_%",
        _ => "org_%",
    };
    let counted = "FROM keys WHERE organization_id = $1 AND owner LIKE $2 AND deleted_at IS NULL \
                   GROUP BY owner HAVING COUNT(*) > $3";
    let all = sql("SELECT COUNT(*) FROM (SELECT owner ").push(counted).push(") AS owners_above");
    let count = conn.number(all.bind(organization).bind(ids).bind(i64::from(bound))).await?;
    let most = sql("SELECT owner, COUNT(*) ").push(counted).push(" ORDER BY COUNT(*) DESC, owner LIMIT $4");
    let most = most.bind(organization).bind(ids).bind(i64::from(bound)).bind(limit);
    let first = conn.rows(most, |row| {
        let owner = row.text(0)?;
        let owner = Owner::from_id(owner).ok_or_else(|| row.unreadable(0, format_args!("{owner:?} is no owner")))?;
        Ok((owner, row.number(1)?))
    });
    Ok(OwnersAbove { count, first: first.await? })
}

/// Another living key of the organization that has this name, whoever's it is; `search_form` as `Name` makes it.
pub async fn namesake(
    conn: &mut Conn,
    organization: OrganizationId,
    search_form: &str,
    except: KeyId,
) -> Result<Option<(KeyId, Owner)>> {
    let statement = sql("SELECT id, owner FROM keys WHERE organization_id = $1 AND name_search = $2 \
                         AND deleted_at IS NULL AND id <> $3 ORDER BY id LIMIT 1");
    let statement = statement.bind(organization).bind(search_form).bind(except);
    conn.row(statement, |row| {
        let owner = row.text(1)?;
        let owner = Owner::from_id(owner).ok_or_else(|| row.unreadable(1, format_args!("{owner:?} is no owner")))?;
        Ok((row.parsed(0)?, owner))
    })
    .await
}

/// Living keys of the organization that have a name with others in common: how many, and the first by name, at most `limit`.
pub async fn namesakes(conn: &mut Conn, organization: OrganizationId, limit: usize) -> Result<(i64, Vec<KeyId>)> {
    let shared = "FROM keys WHERE organization_id = $1 AND deleted_at IS NULL AND name_search IN \
                  (SELECT name_search FROM keys WHERE organization_id = $1 AND deleted_at IS NULL \
                  GROUP BY name_search HAVING COUNT(*) > 1)";
    let count = conn.number(sql("SELECT COUNT(*) ").push(shared).bind(organization)).await?;
    let first = sql("SELECT id ").push(shared).push(" ORDER BY name_search, id LIMIT $2");
    let first = conn.rows(first.bind(organization).bind(limit), |row| row.parsed(0)).await?;
    Ok((count, first))
}
