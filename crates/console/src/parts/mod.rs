//! What pages are put together from.

pub(crate) mod badge;
pub(crate) mod changed;
pub(crate) mod chart;
pub(crate) mod confirm;
pub(crate) mod contact;
pub(crate) mod copy;
pub(crate) mod dual_list;
pub(crate) mod field;
pub(crate) mod frame;
pub(crate) mod icon;
pub(crate) mod limits;
pub(crate) mod limits_used;
pub(crate) mod list;
pub(crate) mod password;
pub(crate) mod picks;
pub(crate) mod time;
pub(crate) mod zone;
