//! Every operation and every actor.
