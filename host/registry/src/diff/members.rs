//! Which members of a component are compared, and as what (NiFi Registry 10.3).

use super::kinds::{ComponentKind, DifferenceType as D};
use super::shape::Shape as S;

/// One member that is compared.
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) difference: D,
    pub(super) shape: S,
    /// What its absence means.
    pub(super) default: Option<&'static str>,
}

const fn member(name: &'static str, difference: D, shape: S) -> Member {
    Member { name, difference, shape, default: None }
}

const fn with_default(name: &'static str, difference: D, default: &'static str) -> Member {
    Member { name, difference, shape: S::Text, default: Some(default) }
}

const NAME: Member = member("name", D::Name, S::Text);
const COMMENTS: Member = member("comments", D::Comments, S::Comment);
const POSITION: Member = member("position", D::Position, S::Position);
const TASKS: Member = member("concurrentlySchedulableTaskCount", D::ConcurrentTasks, S::Whole);
const BUNDLE: Member = member("bundle", D::Bundle, S::Bundle);
const ANNOTATION: Member = member("annotationData", D::AnnotationData, S::Text);
const STYLE: Member = member("style", D::Style, S::Map);
const YIELD: Member = member("yieldDuration", D::YieldDuration, S::Text);

/// What is compared of components whatever they are. A group gets another name where it is imported, so the root's counts for
/// nothing; names and comments of remote groups come from the other side.
pub(super) const fn common(kind: ComponentKind, root: bool) -> &'static [Member] {
    match kind {
        ComponentKind::ProcessGroup if root => &[COMMENTS],
        ComponentKind::RemoteProcessGroup => &[POSITION],
        _ => &[NAME, COMMENTS, POSITION],
    }
}

/// What is compared of components of this kind beyond [`common`] members, properties and what they hold.
pub(super) const fn own(kind: ComponentKind) -> &'static [Member] {
    match kind {
        ComponentKind::Processor => {
            const {
                &[
                    ANNOTATION,
                    member("autoTerminatedRelationships", D::AutoTerminatedRelationships, S::Set),
                    member("bulletinLevel", D::BulletinLevel, S::Text),
                    BUNDLE,
                    TASKS,
                    member("executionNode", D::ExecutionMode, S::Text),
                    member("penaltyDuration", D::PenaltyDuration, S::Text),
                    member("runDurationMillis", D::RunDuration, S::Whole),
                    member("scheduledState", D::ScheduledState, S::Text),
                    member("schedulingPeriod", D::RunSchedule, S::Text),
                    member("schedulingStrategy", D::SchedulingStrategy, S::Text),
                    STYLE,
                    YIELD,
                ]
            }
        }
        ComponentKind::ControllerService => &[ANNOTATION, BUNDLE],
        ComponentKind::Connection => {
            const {
                &[
                    member("backPressureDataSizeThreshold", D::BackpressureDataSizeThreshold, S::Text),
                    member("backPressureObjectThreshold", D::BackpressureObjectThreshold, S::Whole),
                    member("bends", D::Bendpoints, S::Positions),
                    member("destination", D::Destination, S::Endpoint),
                    member("flowFileExpiration", D::FlowFileExpiration, S::Text),
                    with_default("loadBalanceCompression", D::LoadBalanceCompression, "DO_NOT_COMPRESS"),
                    with_default("loadBalanceStrategy", D::LoadBalanceStrategy, "DO_NOT_LOAD_BALANCE"),
                    with_default("partitioningAttribute", D::PartitioningAttribute, ""),
                    member("prioritizers", D::Prioritizers, S::List),
                    member("selectedRelationships", D::SelectedRelationships, S::Set),
                    member("source", D::Source, S::Endpoint),
                ]
            }
        }
        ComponentKind::ProcessGroup => {
            const {
                &[
                    member("versionedFlowCoordinates", D::Coordinates, S::Coordinates),
                    with_default("flowFileConcurrency", D::FlowFileConcurrency, "UNBOUNDED"),
                    with_default("flowFileOutboundPolicy", D::FlowFileOutboundPolicy, "STREAM_WHEN_AVAILABLE"),
                ]
            }
        }
        ComponentKind::InputPort | ComponentKind::OutputPort => &[TASKS],
        ComponentKind::RemoteProcessGroup => {
            const {
                &[
                    member("communicationsTimeout", D::CommunicationsTimeout, S::Text),
                    member("localNetworkInterface", D::NetworkInterface, S::Text),
                    member("proxyHost", D::ProxyHost, S::Text),
                    member("proxyPort", D::ProxyPort, S::Whole),
                    member("proxyUser", D::ProxyUser, S::Text),
                    member("transportProtocol", D::TransportProtocol, S::Text),
                    YIELD,
                ]
            }
        }
        ComponentKind::RemoteInputPort | ComponentKind::RemoteOutputPort => {
            const { &[member("batchSize", D::BatchSize, S::Batch), member("useCompression", D::Compression, S::Flag), TASKS] }
        }
        ComponentKind::Label => {
            const {
                &[
                    member("label", D::LabelValue, S::Text),
                    STYLE,
                    member("height", D::Position, S::Decimal),
                    member("width", D::Position, S::Decimal),
                ]
            }
        }
        ComponentKind::Funnel => &[],
    }
}
