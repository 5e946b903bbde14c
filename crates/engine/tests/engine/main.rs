//! The engine from outside: golden verdicts, and a replica fed in any way against one built from scratch.

mod allocations;
mod golden;
mod replica;
mod usage;
mod world;
