//! Clusters: what is wanted against what is there, and the steps between the two.
//!
//! Pure: the same input gives the same plan. Ids, tokens and time come in from outside.

pub mod blueprints;
pub mod facts;
pub mod hosts;
pub mod plan;
pub mod spec;
mod via;
mod words;

pub use facts::{CloudFacts, Facts};
pub use plan::{Inputs, Wanted};
