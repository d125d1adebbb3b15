//! The component: what the host calls, on top of the three traits, and what it offers, as the functions of this crate.

pub mod imports;

use crate::batch::Batch;
use crate::{About, OpenError, Operation, Retry, Severity, Subject, Violation, read_config};
use forwarder::headworks::plugin::batches::Batch as Records;
use std::cell::RefCell;
use std::marker::PhantomData;

#[allow(unsafe_code, missing_docs, clippy::all, clippy::indexing_slicing, reason = "generated bindings")]
pub mod forwarder {
    //! What `wit-bindgen` makes of the world `forwarder`; its imports are those of every world.
    wit_bindgen::generate!({
        path: "../wit",
        world: "forwarder",
        pub_export_macro: true,
        export_macro_name: "export_forwarder",
    });
}

#[allow(unsafe_code, missing_docs, clippy::all, clippy::indexing_slicing, reason = "generated bindings")]
pub mod transformer {
    //! What `wit-bindgen` makes of the world `transformer`.
    wit_bindgen::generate!({
        path: "../wit",
        world: "transformer",
        pub_export_macro: true,
        export_macro_name: "export_transformer",
        with: {
            "headworks:plugin/batches@0.1.1": super::forwarder::headworks::plugin::batches,
            "headworks:plugin/clock@0.1.1": super::forwarder::headworks::plugin::clock,
            "headworks:plugin/log@0.1.1": super::forwarder::headworks::plugin::log,
            "headworks:plugin/metrics@0.1.1": super::forwarder::headworks::plugin::metrics,
            "headworks:plugin/random@0.1.1": super::forwarder::headworks::plugin::random,
            "headworks:plugin/secrets@0.1.1": super::forwarder::headworks::plugin::secrets,
            "headworks:plugin/state@0.1.1": super::forwarder::headworks::plugin::state,
        },
    });
}

#[allow(unsafe_code, missing_docs, clippy::all, clippy::indexing_slicing, reason = "generated bindings")]
pub mod validator {
    //! What `wit-bindgen` makes of the world `validator`.
    wit_bindgen::generate!({
        path: "../wit",
        world: "validator",
        pub_export_macro: true,
        export_macro_name: "export_validator",
        with: {
            "headworks:plugin/batches@0.1.1": super::forwarder::headworks::plugin::batches,
            "headworks:plugin/clock@0.1.1": super::forwarder::headworks::plugin::clock,
            "headworks:plugin/log@0.1.1": super::forwarder::headworks::plugin::log,
            "headworks:plugin/metrics@0.1.1": super::forwarder::headworks::plugin::metrics,
            "headworks:plugin/random@0.1.1": super::forwarder::headworks::plugin::random,
            "headworks:plugin/secrets@0.1.1": super::forwarder::headworks::plugin::secrets,
            "headworks:plugin/state@0.1.1": super::forwarder::headworks::plugin::state,
        },
    });
}

/// A transformer as a component.
pub struct Transforms<T>(PhantomData<T>);
/// A forwarder as a component.
pub struct Forwards<F>(PhantomData<F>);
/// A validator as a component.
pub struct Validates<V>(PhantomData<V>);
/// A plugin that has read its configuration. The host calls it for one thing at a time.
pub struct Opened<P>(RefCell<P>);

macro_rules! describe {
    ($component:ident, $trait:ident, $world:ident) => {
        impl<P: crate::$trait> $world::exports::headworks::plugin::plugin::Guest for $component<P> {
            fn describe() -> $world::exports::headworks::plugin::plugin::Description {
                let About { name, version, summary, config_schema, grants } = P::ABOUT;
                $world::exports::headworks::plugin::plugin::Description {
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

describe!(Transforms, Transformer, transformer);
describe!(Forwards, Forwarder, forwarder);
describe!(Validates, Validator, validator);

/// The error of `open` in the words of one world.
macro_rules! open_error {
    ($interface:ident) => {
        |error| match error {
            OpenError::InvalidConfig(why) => $interface::OpenError::InvalidConfig(why),
            OpenError::Failed(why) => $interface::OpenError::Failed(why),
        }
    };
}

mod transforming {
    use super::transformer::exports::headworks::plugin::transforming as wit;
    use super::*;

    impl<T: crate::Transformer> wit::Guest for Transforms<T> {
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

mod forwarding {
    use super::forwarder::exports::headworks::plugin::forwarding as wit;
    use super::*;

    impl<F: crate::Forwarder> wit::Guest for Forwards<F> {
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

mod validating {
    use super::validator::exports::headworks::plugin::validating as wit;
    use super::*;

    impl<V: crate::Validator> wit::Guest for Validates<V> {
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
