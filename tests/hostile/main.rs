//! Components that mean harm, in the real server: each ends as the table says, and nothing of it is left.

mod calls;
mod complete;
mod driver;
mod table;
