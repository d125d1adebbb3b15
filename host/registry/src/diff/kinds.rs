//! What can differ, and what it differs in (NiFi Registry 10.4).

macro_rules! differences {
    ($($name:ident = $text:literal, $description:literal;)*) => {
        /// What differs between two versions of a component.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum DifferenceType { $(#[doc = $description] $name,)* }

        impl DifferenceType {
            /// Every type that a comparison can find.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The constant that clients know it by.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What people read.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$name => $description,)* }
            }
        }
    };
}

differences! {
    ComponentAdded = "COMPONENT_ADDED", "Component Added";
    ComponentRemoved = "COMPONENT_REMOVED", "Component Removed";
    Name = "NAME_CHANGED", "Component Name Changed";
    Bundle = "BUNDLE_CHANGED", "Component Bundle Changed";
    PenaltyDuration = "PENALTY_DURATION_CHANGED", "Penalty Duration Changed";
    YieldDuration = "YIELD_DURATION_CHANGED", "Yield Duration Changed";
    BulletinLevel = "BULLETIN_LEVEL_CHANGED", "Bulletin Level Changed";
    AutoTerminatedRelationships = "AUTO_TERMINATED_RELATIONSHIPS_CHANGED", "Auto-Terminated Relationships Changed";
    SchedulingStrategy = "SCHEDULING_STRATEGY_CHANGED", "Scheduling Strategy Changed";
    ConcurrentTasks = "CONCURRENT_TASKS_CHANGED", "Concurrent Tasks Changed";
    RunSchedule = "RUN_SCHEDULE_CHANGED", "Run Schedule Changed";
    ScheduledState = "SCHEDULED_STATE_CHANGED", "Scheduled State Changed";
    ExecutionMode = "EXECUTION_MODE_CHANGED", "Execution Mode Changed";
    RunDuration = "RUN_DURATION_CHANGED", "Run Duration Changed";
    Property = "PROPERTY_CHANGED", "Property Value Changed";
    PropertyAdded = "PROPERTY_ADDED", "Property Added";
    PropertyRemoved = "PROPERTY_REMOVED", "Property Removed";
    PropertyParameterized = "PROPERTY_PARAMETERIZED", "Property Parameterized";
    PropertyParameterizationRemoved = "PROPERTY_PARAMETERIZATION_REMOVED", "Property Parameterization Removed";
    AnnotationData = "ANNOTATION_DATA_CHANGED", "Annotation Data (Advanced UI Configuration) Changed";
    Comments = "COMMENTS_CHANGED", "Comments Changed";
    Position = "POSITION_CHANGED", "Position Changed";
    Style = "STYLE_CHANGED", "Style Changed";
    SelectedRelationships = "SELECTED_RELATIONSHIPS_CHANGED", "Selected Relationships Changed";
    Prioritizers = "PRIORITIZERS_CHANGED", "Prioritizers Changed";
    FlowFileExpiration = "FLOWFILE_EXPIRATION_CHANGED", "FlowFile Expiration Changed";
    BackpressureObjectThreshold = "BACKPRESSURE_OBJECT_THRESHOLD_CHANGED", "Backpressure Object Threshold Changed";
    BackpressureDataSizeThreshold = "BACKPRESSURE_DATA_SIZE_THRESHOLD_CHANGED", "Backpressure Data Size Threshold Changed";
    LoadBalanceStrategy = "LOAD_BALANCE_STRATEGY_CHANGED", "Load-Balance Strategy Changed";
    PartitioningAttribute = "PARTITIONING_ATTRIBUTE_CHANGED", "Partitioning Attribute Changed";
    LoadBalanceCompression = "LOAD_BALANCE_COMPRESSION_CHANGED", "Load-Balance Compression Changed";
    Bendpoints = "BENDPOINTS_CHANGED", "Connection Bend Points Changed";
    Source = "SOURCE_CHANGED", "Connection Source Changed";
    Destination = "DESTINATION_CHANGED", "Connection Destination Changed";
    LabelValue = "LABEL_VALUE_CHANGED", "Label Text Changed";
    TransportProtocol = "RPG_TRANSPORT_PROTOCOL_CHANGED", "Remote Process Group Transport Protocol Changed";
    ProxyHost = "RPG_PROXY_HOST_CHANGED", "Remote Process Group Proxy Host Changed";
    ProxyPort = "RPG_PROXY_PORT_CHANGED", "Remote Process Group Proxy Port Changed";
    ProxyUser = "RPG_PROXY_USER_CHANGED", "Remote Process Group Proxy User Changed";
    NetworkInterface = "RPG_NETWORK_INTERFACE_CHANGED", "Remote Process Group Network Interface Changed";
    CommunicationsTimeout = "RPG_COMMS_TIMEOUT_CHANGED", "Remote Process Group Communications Timeout Changed";
    BatchSize = "REMOTE_PORT_BATCH_SIZE_CHANGED", "Remote Process Group Port's Batch Size Changed";
    Compression = "REMOTE_PORT_COMPRESSION_CHANGED", "Remote Process Group Port's Compression Flag Changed";
    Coordinates = "VERSIONED_FLOW_COORDINATES_CHANGED", "Versioned Flow Coordinates Changed";
    FlowFileConcurrency = "FLOWFILE_CONCURRENCY_CHANGED", "FlowFile Concurrency Changed";
    FlowFileOutboundPolicy = "FLOWFILE_OUTBOUND_POLICY_CHANGED", "FlowFile Outbound Policy Changed";
}

/// By the constant, as clients see them in order.
impl Ord for DifferenceType {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for DifferenceType {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ComponentKind {
    /// Between two others.
    Connection,
    /// Does something.
    Processor,
    /// Holds others.
    ProcessGroup,
    /// A group of another NiFi.
    RemoteProcessGroup,
    /// Into a group.
    InputPort,
    /// Out of a group.
    OutputPort,
    /// Into a group of another NiFi.
    RemoteInputPort,
    /// Out of a group of another NiFi.
    RemoteOutputPort,
    /// Brings connections together.
    Funnel,
    /// Text on the canvas.
    Label,
    /// Shared by processors.
    ControllerService,
}

impl ComponentKind {
    /// What people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "Connection",
            Self::Processor => "Processor",
            Self::ProcessGroup => "Process Group",
            Self::RemoteProcessGroup => "Remote Process Group",
            Self::InputPort => "Input Port",
            Self::OutputPort => "Output Port",
            Self::RemoteInputPort => "Remote Input Port",
            Self::RemoteOutputPort => "Remote Output Port",
            Self::Funnel => "Funnel",
            Self::Label => "Label",
            Self::ControllerService => "Controller Service",
        }
    }
}
