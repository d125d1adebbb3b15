//! The component: what the host calls, on top of the three traits, and what it offers, as the functions of this crate.

pub mod imports;
#[cfg(not(feature = "interface-0-1-0"))]
mod later;

#[cfg(not(feature = "validator"))]
use crate::batch::Batch;
use crate::{About, OpenError, read_config};
use std::cell::RefCell;
use std::marker::PhantomData;
use world::exports::headworks::plugin::plugin;
#[cfg(not(feature = "validator"))]
use world::headworks::plugin::batches::Batch as Records;

#[cfg(not(any(feature = "transformer", feature = "forwarder", feature = "validator")))]
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
