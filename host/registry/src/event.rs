//! What happened, for those who follow the registry (NiFi Registry 22.3).

use headworks_core::TenantId;

/// Hears of changes after they are durable. Must not block: it is called while a request waits.
pub trait Observer: Send + Sync {
    /// Takes one event.
    fn observe(&self, event: Event);
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where.
    pub tenant: TenantId,
    /// What.
    pub kind: EventKind,
    /// Names and values in the order of the kind.
    pub fields: Vec<(&'static str, String)>,
}

impl Event {
    /// An event with its fields in order.
    pub fn new(tenant: TenantId, kind: EventKind, fields: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self { tenant, kind, fields: fields.into_iter().collect() }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What can happen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$doc])* $name,)* }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name that hooks know it by.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// BUCKET_ID, USER.
    CreateBucket = "CREATE_BUCKET",
    /// BUCKET_ID, USER.
    UpdateBucket = "UPDATE_BUCKET",
    /// BUCKET_ID, USER.
    DeleteBucket = "DELETE_BUCKET",
    /// BUCKET_ID, FLOW_ID, USER.
    CreateFlow = "CREATE_FLOW",
    /// BUCKET_ID, FLOW_ID, USER.
    UpdateFlow = "UPDATE_FLOW",
    /// BUCKET_ID, FLOW_ID, USER.
    DeleteFlow = "DELETE_FLOW",
    /// BUCKET_ID, FLOW_ID, VERSION, USER, COMMENT.
    CreateFlowVersion = "CREATE_FLOW_VERSION",
    /// BUCKET_ID, EXTENSION_BUNDLE_ID, USER.
    CreateExtensionBundle = "CREATE_EXTENSION_BUNDLE",
    /// BUCKET_ID, EXTENSION_BUNDLE_ID, USER.
    DeleteExtensionBundle = "DELETE_EXTENSION_BUNDLE",
    /// BUCKET_ID, EXTENSION_BUNDLE_ID, VERSION, USER.
    CreateExtensionBundleVersion = "CREATE_EXTENSION_BUNDLE_VERSION",
    /// BUCKET_ID, EXTENSION_BUNDLE_ID, VERSION, USER.
    DeleteExtensionBundleVersion = "DELETE_EXTENSION_BUNDLE_VERSION",
    /// USER_ID, USER_IDENTITY.
    CreateUser = "CREATE_USER",
    /// USER_ID, USER_IDENTITY.
    UpdateUser = "UPDATE_USER",
    /// USER_ID, USER_IDENTITY.
    DeleteUser = "DELETE_USER",
    /// USER_GROUP_ID, USER_GROUP_IDENTITY.
    CreateUserGroup = "CREATE_USER_GROUP",
    /// USER_GROUP_ID, USER_GROUP_IDENTITY.
    UpdateUserGroup = "UPDATE_USER_GROUP",
    /// USER_GROUP_ID, USER_GROUP_IDENTITY.
    DeleteUserGroup = "DELETE_USER_GROUP",
    /// POLICY_ID, ACTION, RESOURCE, USER; ours.
    CreatePolicy = "CREATE_POLICY",
    /// POLICY_ID, ACTION, RESOURCE, USER; ours.
    UpdatePolicy = "UPDATE_POLICY",
    /// POLICY_ID, ACTION, RESOURCE, USER; ours.
    DeletePolicy = "DELETE_POLICY",
    /// USER_IDENTITY; ours.
    Login = "LOGIN",
    /// Nothing.
    RegistryStart = "REGISTRY_START",
}
