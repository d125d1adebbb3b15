//! The component: what the host calls, on top of the five traits, and what it offers, as the functions of this crate.

pub mod imports;
#[cfg(not(feature = "interface-0-1-0"))]
mod later;

#[cfg(any(feature = "transformer", feature = "forwarder"))]
use crate::batch::Batch;
use crate::{About, OpenError, read_config};
use std::cell::RefCell;
use std::marker::PhantomData;
use world::exports::headworks::plugin::plugin;
#[cfg(any(feature = "transformer", feature = "forwarder"))]
use world::headworks::plugin::batches::Batch as Records;

#[cfg(not(any(
    feature = "transformer",
    feature = "forwarder",
    feature = "validator",
    feature = "event-hook",
    feature = "identity-provider"
)))]
compile_error!("headworks-plugin needs the world of the plugin as a feature: features = [\"transformer\"] in Cargo.toml");

#[cfg(feature = "transformer")]
#[allow(unsafe_code, missing_docs, clippy::all, clippy::indexing_slicing, reason = "generated bindings")]
pub mod world {
    //! What `wit-bindgen` makes of the world.
    wit_bindgen::generate!({ path: "../wit", world: "transformer", pub_export_macro: true, export_macro_name: "export_plugin" });
}

#[cfg(feature = "forwarder")]
#[allow(unsafe_code, missing_docs, clippy::all, clippy::indexing_slicing, reason = "generated bindings")]
pub mod world {
    //! What `wit-bindgen` makes of the world.
    wit_bindgen::generate!({ path: "../wit", world: "forwarder", pub_export_macro: true, export_macro_name: "export_plugin" });
}

#[cfg(feature = "validator")]
#[allow(unsafe_code, missing_docs, clippy::all, clippy::indexing_slicing, reason = "generated bindings")]
pub mod world {
    //! What `wit-bindgen` makes of the world.
    wit_bindgen::generate!({ path: "../wit", world: "validator", pub_export_macro: true, export_macro_name: "export_plugin" });
}

#[cfg(feature = "event-hook")]
#[allow(unsafe_code, missing_docs, clippy::all, clippy::indexing_slicing, reason = "generated bindings")]
pub mod world {
    //! What `wit-bindgen` makes of the world.
    wit_bindgen::generate!({ path: "../wit", world: "event-hook", pub_export_macro: true, export_macro_name: "export_plugin" });
}

#[cfg(feature = "identity-provider")]
#[allow(unsafe_code, missing_docs, clippy::all, clippy::indexing_slicing, reason = "generated bindings")]
pub mod world {
    //! What `wit-bindgen` makes of the world.
    wit_bindgen::generate!({ path: "../wit", world: "identity-provider", pub_export_macro: true, export_macro_name: "export_plugin" });
}

/// A plugin as a component.
pub struct Component<P>(PhantomData<P>);
/// A plugin that has read its configuration. The host calls it for one thing at a time.
pub struct Opened<P>(RefCell<P>);

/// What a plugin says of itself, in the words of the interface.
macro_rules! describe {
    ($trait:ident) => {
        impl<P: crate::$trait> plugin::Guest for Component<P> {
            fn describe() -> plugin::Description {
                let About { name, version, summary, config_schema, grants } = P::ABOUT;
                plugin::Description {
                    name: name.to_owned(),
                    version: version.to_owned(),
                    summary: summary.to_owned(),
                    config_schema: config_schema.to_owned(),
                    grants: grants.iter().map(|grant| (*grant).to_owned()).collect(),
                }
            }
        }
    };
}

/// The error of `open` in the words of one world.
macro_rules! open_error {
    ($interface:ident) => {
        |error| match error {
            OpenError::InvalidConfig(why) => $interface::OpenError::InvalidConfig(why),
            OpenError::Failed(why) => $interface::OpenError::Failed(why),
        }
    };
}

#[cfg(feature = "transformer")]
mod transforming {
    use super::world::exports::headworks::plugin::transforming as wit;
    use super::*;

    describe!(Transformer);

    impl<T: crate::Transformer> wit::Guest for Component<T> {
        type Instance = Opened<T>;
    }

    impl<T: crate::Transformer> wit::GuestInstance for Opened<T> {
        fn open(config: String) -> Result<wit::Instance, wit::OpenError> {
            let plugin = read_config(&config).and_then(T::open).map_err(open_error!(wit))?;
            Ok(wit::Instance::new(Self(RefCell::new(plugin))))
        }

        fn transform(&self, records: Records) -> Result<Records, String> {
            let mut records = Batch::from_host(imports::Batch(records));
            self.0.borrow_mut().transform(&mut records)?;
            Ok(records.into_host().0)
        }
    }
}

#[cfg(feature = "forwarder")]
mod forwarding {
    use super::world::exports::headworks::plugin::forwarding as wit;
    use super::*;
    use crate::Retry;

    describe!(Forwarder);

    impl<F: crate::Forwarder> wit::Guest for Component<F> {
        type Sink = Opened<F>;

        fn targets(config: String) -> Result<Vec<String>, wit::OpenError> {
            read_config(&config).and_then(|config| F::targets(&config)).map_err(open_error!(wit))
        }
    }

    impl<F: crate::Forwarder> wit::GuestSink for Opened<F> {
        fn open(config: String) -> Result<wit::Sink, wit::OpenError> {
            let plugin = read_config(&config).and_then(F::open).map_err(open_error!(wit))?;
            Ok(wit::Sink::new(Self(RefCell::new(plugin))))
        }

        fn send(&self, records: Records) -> wit::Report {
            let report = self.0.borrow_mut().send(&Batch::from_host(imports::Batch(records)));
            let rejected = report.rejected.into_iter();
            wit::Report {
                rejected: rejected.map(|(index, reason)| wit::Rejection { index: index as u32, reason }).collect(),
                stopped: report.stopped.map(stop),
            }
        }

        fn flush(&self) -> Result<(), wit::Stop> {
            self.0.borrow_mut().flush().map_err(stop)
        }
    }

    fn stop(stop: crate::Stop) -> wit::Stop {
        let retry = match stop.retry {
            Retry::After(milliseconds) => wit::Retry::AfterMilliseconds(milliseconds),
            Retry::Never => wit::Retry::Never,
        };
        wit::Stop { at: stop.at as u32, reason: stop.reason, retry }
    }
}

#[cfg(feature = "validator")]
mod validating {
    use super::world::exports::headworks::plugin::validating as wit;
    use super::*;
    use crate::{Operation, Severity, Subject, Violation};

    describe!(Validator);

    impl<V: crate::Validator> wit::Guest for Component<V> {
        type Rule = Opened<V>;
    }

    impl<V: crate::Validator> wit::GuestRule for Opened<V> {
        fn open(config: String) -> Result<wit::Rule, wit::OpenError> {
            let plugin = read_config(&config).and_then(V::open).map_err(open_error!(wit))?;
            Ok(wit::Rule::new(Self(RefCell::new(plugin))))
        }

        fn validate(&self, subject: wit::Subject) -> Result<Vec<wit::Violation>, String> {
            let wit::Subject { kind, scope, name, operation, document, previous, principal } = subject;
            let operation = match operation {
                wit::Operation::Create => Operation::Create,
                wit::Operation::Update => Operation::Update,
                wit::Operation::Delete => Operation::Delete,
            };
            let subject = Subject { kind, scope, name, operation, document, previous, principal };
            let violation = |Violation { path, message, severity }| wit::Violation {
                path,
                message,
                severity: match severity {
                    Severity::Error => wit::Severity::Error,
                    Severity::Warning => wit::Severity::Warning,
                },
            };
            Ok(self.0.borrow_mut().validate(&subject)?.into_iter().map(violation).collect())
        }
    }
}

#[cfg(feature = "event-hook")]
mod hooking {
    use super::world::exports::headworks::plugin::hooking as wit;
    use super::*;
    use crate::{Outcome, RegistryEvent, Time};

    describe!(EventHook);

    impl<H: crate::EventHook> wit::Guest for Component<H> {
        type Hook = Opened<H>;

        fn targets(config: String) -> Result<Vec<String>, wit::OpenError> {
            read_config(&config).and_then(|config| H::targets(&config)).map_err(open_error!(wit))
        }
    }

    impl<H: crate::EventHook> wit::GuestHook for Opened<H> {
        fn open(config: String) -> Result<wit::Hook, wit::OpenError> {
            let plugin = read_config(&config).and_then(H::open).map_err(open_error!(wit))?;
            Ok(wit::Hook::new(Self(RefCell::new(plugin))))
        }

        fn handle(&self, event: wit::Event) -> wit::Outcome {
            let wit::Event { kind, at, fields } = event;
            let at = Time { seconds: at.seconds, nanoseconds: at.nanoseconds };
            match self.0.borrow_mut().handle(&RegistryEvent { kind, at, fields }) {
                Outcome::Done => wit::Outcome::Ok,
                Outcome::RetryAfter(milliseconds, reason) => wit::Outcome::RetryAfter(wit::Delay { milliseconds, reason }),
                Outcome::Failed(why) => wit::Outcome::Failed(why),
            }
        }
    }
}

#[cfg(feature = "identity-provider")]
mod identifying {
    use super::world::exports::headworks::plugin::identifying as wit;
    use super::*;
    use crate::{Denial, Identity, IdentityRequest};

    describe!(IdentityProvider);

    impl<P: crate::IdentityProvider> wit::Guest for Component<P> {
        type Provider = Opened<P>;

        fn targets(config: String) -> Result<Vec<String>, wit::OpenError> {
            read_config(&config).and_then(|config| P::targets(&config)).map_err(open_error!(wit))
        }
    }

    fn read(request: wit::Request) -> IdentityRequest {
        IdentityRequest { method: request.method, headers: request.headers }
    }

    impl<P: crate::IdentityProvider> wit::GuestProvider for Opened<P> {
        fn open(config: String) -> Result<wit::Provider, wit::OpenError> {
            let plugin = read_config(&config).and_then(P::open).map_err(open_error!(wit))?;
            Ok(wit::Provider::new(Self(RefCell::new(plugin))))
        }

        fn usage(&self) -> Option<String> {
            self.0.borrow().usage()
        }

        fn test(&self, request: wit::Request) -> bool {
            self.0.borrow_mut().test(&read(request))
        }

        fn authenticate(&self, request: wit::Request) -> Result<wit::Identity, wit::Denial> {
            match self.0.borrow_mut().authenticate(&read(request)) {
                Ok(Identity { name, display_name, lifetime_seconds }) => Ok(wit::Identity { name, display_name, lifetime_seconds }),
                Err(Denial::Refused(why)) => Err(wit::Denial::Refused(why)),
                Err(Denial::Failed(why)) => Err(wit::Denial::Failed(why)),
            }
        }
    }
}
