//! What the console says, in English: a module a place, a constant a sentence, a function where a sentence names something.

pub mod api_sets;
pub mod api_users;
pub mod apis;
pub mod applications;
pub mod approval;
pub mod audit;
pub mod confirm;
pub mod connect;
pub mod frame;
pub mod gateways;
pub mod keys;
pub mod limits;
pub mod mail;
pub mod notices;
pub mod overview;
pub mod parts;
pub mod people;
pub mod picker;
pub mod policy;
pub mod requests;
pub mod roles;
pub mod search;
pub mod second_factor;
pub mod setup;
pub mod sign_in;
pub mod tried;
pub mod usage;
pub mod webhooks;

pub use frame::places;
pub use parts::{dual_list, form, list, secret, state, told};
