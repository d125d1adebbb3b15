//! Names of records, by which the same record is known in every store that it was restored into.
//!
//! Names that we make hold the sequence number of the record, whose first value each store draws at random from so many that
//! two stores never count alike. Of names that others made a number is taken that differs for different names, but for one
//! chance in some 10^19, with its highest bit set, which no store counts up to.

use super::keys::Place;
use uuid::Uuid;

/// What the names that we make begin with.
const OURS: u128 = 0x6865_6164_776b << 80;
/// The part of a sequence number behind the variant of the UUID.
const LOW: u128 = (1 << 62) - 1;
const FOREIGN: u64 = 1 << 63;

impl Place {
    /// The name of the record here.
    pub(crate) fn uuid(self) -> Uuid {
        let sequence = u128::from(self.sequence);
        let bits = OURS | ((sequence >> 62) << 64) | (sequence & LOW);
        uuid::Builder::from_custom_bytes(bits.to_be_bytes()).into_uuid()
    }

    /// Where the record of this name is.
    pub(crate) fn named(ms: i64, uuid: Uuid) -> Self {
        let bits = uuid.as_u128();
        let own = Self { ms, sequence: ((((bits >> 64) & 3) << 62) | (bits & LOW)) as u64 };
        if own.uuid() == uuid {
            return own;
        }
        let (high, low) = uuid.as_u64_pair();
        Self { ms, sequence: FOREIGN | (high ^ low.rotate_left(32)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_records() {
        for sequence in [0, 1, 77, u64::MAX >> 2, 1 << 62, 1 << 63, u64::MAX - 1, u64::MAX] {
            let place = Place { ms: 5, sequence };
            assert_eq!(Place::named(5, place.uuid()), place, "{sequence:x}");
        }
        let foreign = Uuid::from_u128(0x0b1d_1c5e_7f0e_4a63_9f0a_2b9a_2a0d_8a11);
        let place = Place::named(5, foreign);
        assert_eq!(place.sequence >> 63, 1);
        assert_eq!(Place::named(5, place.uuid()), place, "a restored record keeps its place in the next store");
        assert_ne!(Place::named(5, Uuid::from_u128(foreign.as_u128() ^ 1)), place);
    }
}
