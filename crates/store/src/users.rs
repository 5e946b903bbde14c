//! People. By now a record that `setup` makes; signing in comes later.

use claviger_domain::name::search_form;
use claviger_domain::{Timestamp, UserId};

use crate::conn::Conn;
use crate::sql::sql;
use crate::write::Tx;
use crate::{Result, Taken};

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Unique in the installation, whatever its case.
    pub email: String,
    /// What others see.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Adds a person.
///
/// # Errors
/// [`Taken::Email`].
pub async fn insert(tx: &mut Tx, user: &User) -> Result<()> {
    let statement = sql("INSERT INTO users (id, email, email_search, name, created_at) VALUES ($1, $2, $3, $4, $5) \
                         ON CONFLICT DO NOTHING");
    let statement = statement.bind(user.id).bind(&user.email).bind(search_form(&user.email)).bind(&user.name);
    if tx.execute(statement.bind(user.created_at)).await? == 0 { Err(Taken::Email.into()) } else { Ok(()) }
}

/// The person with this e-mail address, whatever its case.
pub async fn by_email(conn: &mut Conn, email: &str) -> Result<Option<User>> {
    let statement = sql("SELECT id, email, name, created_at FROM users WHERE email_search = $1");
    conn.row(statement.bind(search_form(email)), |row| {
        Ok(User {
            id: row.parsed(0)?,
            email: row.text(1)?.to_owned(),
            name: row.text(2)?.to_owned(),
            created_at: row.time(3)?,
        })
    })
    .await
}
