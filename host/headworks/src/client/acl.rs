//! `acl`: roles and users.

use super::api::Api;
use super::login::password;
use super::{Printer, texts};
use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Roles.
    #[command(subcommand)]
    Role(Role),
    /// Users.
    #[command(subcommand)]
    User(User),
}

#[derive(Subcommand)]
pub(super) enum Role {
    /// List roles with their scopes.
    Ls,
    /// Make a role, or replace its scopes.
    Add {
        /// Name of the role.
        #[arg(long)]
        name: String,
        /// A scope such as read_streams; may be repeated.
        #[arg(long)]
        permission: Vec<String>,
    },
    /// Delete a role.
    Rm {
        /// Name of the role.
        #[arg(long)]
        name: String,
    },
    /// Give a role a scope.
    Grant {
        /// Name of the role.
        #[arg(long)]
        name: String,
        /// A scope such as read_streams.
        #[arg(long)]
        permission: String,
    },
    /// Take a scope from a role.
    Revoke {
        /// Name of the role.
        #[arg(long)]
        name: String,
        /// A scope such as read_streams.
        #[arg(long)]
        permission: String,
    },
}

#[derive(Subcommand)]
pub(super) enum User {
    /// List users with their roles.
    Ls,
    /// Make a user, or replace its password and roles.
    Add {
        /// Name of the user.
        #[arg(long)]
        username: String,
        /// Its password; without this the first line of standard input.
        #[arg(long)]
        password: Option<String>,
        /// A role; may be repeated.
        #[arg(long)]
        rolename: Vec<String>,
    },
    /// Delete a user with its tokens.
    Rm {
        /// Name of the user.
        #[arg(long)]
        username: String,
    },
    /// Give a user a role.
    Grant {
        /// Name of the user.
        #[arg(long)]
        username: String,
        /// Name of the role.
        #[arg(long)]
        rolename: String,
    },
    /// Take a role from a user.
    Revoke {
        /// Name of the user.
        #[arg(long)]
        username: String,
        /// Name of the role.
        #[arg(long)]
        rolename: String,
    },
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::Role(Role::Ls) => list(api, printer, "roles", "scopes"),
            Self::User(User::Ls) => list(api, printer, "users", "roles"),
            Self::Role(command) => command.change(api).and_then(|()| printer.done()),
            Self::User(command) => command.change(api).and_then(|()| printer.done()),
        }
    }
}

/// Prints names, each with what it has.
fn list(api: &Api, printer: Printer, kind: &str, has: &str) -> Result<()> {
    let all = api.get(&[kind], kind)?;
    let lines = all.as_array().into_iter().flatten().map(|one| {
        let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
        format!("{name}\t{}", one.get(has).map(texts).unwrap_or_default().join(","))
    });
    printer.print(&all, lines.collect::<Vec<_>>())
}

/// The list with one entry more, or less.
fn with(list: &Value, entry: String, wanted: bool) -> Vec<String> {
    let mut list = texts(list);
    list.retain(|known| *known != entry);
    if wanted {
        list.push(entry);
    }
    list
}

impl Role {
    fn change(self, api: &Api) -> Result<()> {
        let (name, permission, wanted) = match self {
            Self::Ls => return Ok(()),
            Self::Add { name, permission } => return api.put(&["roles", &name], &json!({"scopes": permission})),
            Self::Rm { name } => return api.delete(&["roles", &name]),
            Self::Grant { name, permission } => (name, permission, true),
            Self::Revoke { name, permission } => (name, permission, false),
        };
        let role = api.get(&["roles", &name], "role")?;
        let scopes = with(role.get("scopes").unwrap_or(&Value::Null), permission, wanted);
        api.put(&["roles", &name], &json!({"scopes": scopes}))
    }
}

impl User {
    fn change(self, api: &Api) -> Result<()> {
        let (name, role, wanted) = match self {
            Self::Ls => return Ok(()),
            Self::Add { username, password: given, rolename } => {
                return api.put(&["users", &username], &json!({"roles": rolename, "password": password(given)?}));
            }
            Self::Rm { username } => return api.delete(&["users", &username]),
            Self::Grant { username, rolename } => (username, rolename, true),
            Self::Revoke { username, rolename } => (username, rolename, false),
        };
        let user = api.get(&["users", &name], "user")?;
        let roles = with(user.get("roles").unwrap_or(&Value::Null), role, wanted);
        api.patch(&["users", &name], &json!({"roles": roles}))
    }
}
