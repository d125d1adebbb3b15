//! What stands where in the tree of a flow (NiFi Registry 3 and 9.6).

/// What an object of the tree is, by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Anything that nothing is known of.
    Plain,
    /// A process group.
    Group,
    /// A component of one kind.
    Component(&'static str),
    /// A port, whose kind depends on its type.
    Port,
    /// A remote process group.
    Remote,
    /// Where a group is under version control.
    Coordinates,
}

/// What the value of a member holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Where it is an object: this.
    One(Place),
    /// Where it is a list: these.
    Each(Place),
}

impl Place {
    /// What a member of an object at this place holds.
    pub(super) fn member(self, name: &str) -> Holds {
        match (self, name) {
            (Self::Group, "processGroups") => Holds::Each(Self::Group),
            (Self::Group, "remoteProcessGroups") => Holds::Each(Self::Remote),
            (Self::Group, "processors") => Holds::Each(Self::Component("PROCESSOR")),
            (Self::Group, "connections") => Holds::Each(Self::Component("CONNECTION")),
            (Self::Group, "labels") => Holds::Each(Self::Component("LABEL")),
            (Self::Group, "funnels") => Holds::Each(Self::Component("FUNNEL")),
            (Self::Group, "controllerServices") => Holds::Each(Self::Component("CONTROLLER_SERVICE")),
            (Self::Group, "inputPorts" | "outputPorts") => Holds::Each(Self::Port),
            (Self::Group, "versionedFlowCoordinates") => Holds::One(Self::Coordinates),
            (Self::Remote, "inputPorts") => Holds::Each(Self::Component("REMOTE_INPUT_PORT")),
            (Self::Remote, "outputPorts") => Holds::Each(Self::Component("REMOTE_OUTPUT_PORT")),
            _ => Holds::One(Self::Plain),
        }
    }

    /// The type of a component at this place; none where it is no component. `output` is for ports.
    pub(super) fn component_type(self, output: bool) -> Option<&'static str> {
        match self {
            Self::Plain | Self::Coordinates => None,
            Self::Group => Some("PROCESS_GROUP"),
            Self::Remote => Some("REMOTE_PROCESS_GROUP"),
            Self::Component(kind) => Some(kind),
            Self::Port => Some(if output { "OUTPUT_PORT" } else { "INPUT_PORT" }),
        }
    }
}
