//! The router from outside: what callers see.

mod accounts;
mod applications;
mod bad_requests;
mod document;
mod idempotency;
mod imports;
mod invitations;
mod keys;
mod manners;
mod nodes;
mod organizations;
mod own_keys;
mod pairs;
mod password_resets;
mod permissions;
mod policy;
mod previews;
mod reveals;
mod roles;
mod rotation;
mod sharing;
mod terms;
mod users;
