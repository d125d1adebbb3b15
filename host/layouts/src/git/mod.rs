//! The layout of a Git repository: one directory for each bucket, one commit for each saved version.
//!
//! The only module that names the Git library.
