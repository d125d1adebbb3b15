//! Identifiers and policies of one tenant in memory, so that a right costs look-ups only (NiFi Registry 17).

use crate::authority::Action;
use crate::policies::Policy;
use headworks_core::Revision;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A user or a group by both its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Names it for ever.
    pub id: String,
    /// The name of the user, or of the role that is the group.
    pub name: String,
    /// The revision that clients name.
    pub revision: Revision,
    /// The one that the store counts.
    pub(crate) stored: u64,
}

/// Users, or groups.
#[derive(Default)]
pub(crate) struct Parties {
    by_name: BTreeMap<String, Arc<Party>>,
    by_id: HashMap<String, Arc<Party>>,
}

impl Parties {
    pub(crate) fn put(&mut self, party: Party) {
        let party = Arc::new(party);
        self.remove(&party.name);
        self.by_id.insert(party.id.clone(), Arc::clone(&party));
        self.by_name.insert(party.name.clone(), party);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(gone) = self.by_name.remove(name)
            && self.by_id.get(&gone.id).is_some_and(|known| known.name == name)
        {
            // Under another name it is there still.
            self.by_id.remove(&gone.id);
        }
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Party>> {
        self.by_name.get(name)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Party>> {
        self.by_id.get(id)
    }

    /// In ascending order of their names.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Party>> {
        self.by_name.values()
    }
}

/// What one tenant has.
#[derive(Default)]
pub(crate) struct Grants {
    pub(crate) users: Parties,
    pub(crate) groups: Parties,
    /// By resource, then by the name of the action.
    policies: BTreeMap<String, BTreeMap<&'static str, Arc<Policy>>>,
    by_id: HashMap<String, Arc<Policy>>,
}

impl Grants {
    pub(crate) fn put_policy(&mut self, policy: Policy) {
        let policy = Arc::new(policy);
        self.remove_policy(&policy.resource, policy.action);
        self.by_id.insert(policy.id.clone(), Arc::clone(&policy));
        self.policies.entry(policy.resource.clone()).or_default().insert(policy.action.as_str(), policy);
    }

    pub(crate) fn remove_policy(&mut self, resource: &str, action: Action) {
        let Some(actions) = self.policies.get_mut(resource) else { return };
        if let Some(gone) = actions.remove(action.as_str()) {
            self.by_id.remove(&gone.id);
        }
        if actions.is_empty() {
            self.policies.remove(resource);
        }
    }

    pub(crate) fn policy(&self, resource: &str, action: Action) -> Option<&Arc<Policy>> {
        self.policies.get(resource)?.get(action.as_str())
    }

    pub(crate) fn policy_of_id(&self, id: &str) -> Option<&Arc<Policy>> {
        self.by_id.get(id)
    }

    /// By resource, then by the name of the action.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.policies.values().flat_map(BTreeMap::values)
    }
}
