//! The real server on both databases, behind real gateways. One binary; each test has a server and a database of its
//! own, so that they run in parallel.

mod harness;

mod accounts;
mod audit;
mod backup;
mod bad_input;
mod canary;
mod canary_links;
mod command_line;
mod command_line_people;
mod console;
mod continuity;
mod documents;
mod failover;
mod feed;
mod gateway_code;
mod gateways;
mod golden;
mod imports;
mod listener_headers;
mod listeners;
mod lists;
mod logs;
mod mail;
mod mail_faults;
mod master_secret;
mod metrics;
mod nodes;
mod observed;
mod outage;
mod process;
mod rows;
mod rows_addresses;
mod rows_apis;
mod rows_keys;
mod rows_owners;
mod rows_people;
mod rows_policy;
mod rows_sharing;
mod second_factor;
mod signals;
mod skew;
mod snapshot;
mod upgrade;
mod usage;
