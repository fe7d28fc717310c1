//! Hashes, lists, sets and sorted sets.

use super::{Answer, Redis, Value, host};

fn all<V: Into<Vec<u8>>>(values: impl IntoIterator<Item = V>) -> Vec<Vec<u8>> {
    values.into_iter().map(Into::into).collect()
}

/// Hashes.
impl Redis {
    /// A field of a hash.
    pub fn hash_get(&self, key: &str, field: &str) -> Answer<Option<Value>> {
        Ok(host::hash_get(key, field)?.map(Value::new))
    }

    /// Sets fields of a hash. Answers with how many are new.
    pub fn hash_set<F: Into<String>, V: Into<Vec<u8>>>(
        &self,
        key: &str,
        fields: impl IntoIterator<Item = (F, V)>,
    ) -> Answer<u64> {
        let fields = fields.into_iter().map(|(field, value)| (field.into(), value.into()));
        host::hash_set(key, &fields.collect::<Vec<_>>())
    }

    /// Removes fields of a hash. Answers with how many were there.
    pub fn hash_delete<F: Into<String>>(
        &self,
        key: &str,
        fields: impl IntoIterator<Item = F>,
    ) -> Answer<u64> {
        host::hash_delete(key, &fields.into_iter().map(Into::into).collect::<Vec<_>>())
    }

    /// All fields of a hash, in no order.
    pub fn hash_all(&self, key: &str) -> Answer<Vec<(String, Value)>> {
        let fields = host::hash_all(key)?.into_iter();
        Ok(fields.map(|(field, value)| (field, Value::new(value))).collect())
    }

    /// Adds to a number in a field of a hash. Answers with what it is then.
    pub fn hash_increment(&self, key: &str, field: &str, by: i64) -> Answer<i64> {
        host::hash_increment(key, field, by)
    }
}

/// Lists.
impl Redis {
    /// Puts values before the first one, the last of them foremost. Answers with the length.
    pub fn push_left<V: Into<Vec<u8>>>(
        &self,
        key: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Answer<u64> {
        host::push_left(key, &all(values))
    }

    /// Puts values behind the last one. Answers with the length.
    pub fn push_right<V: Into<Vec<u8>>>(
        &self,
        key: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Answer<u64> {
        host::push_right(key, &all(values))
    }

    /// Takes the first value away. If its answer is lost, the value is too.
    pub fn pop_left(&self, key: &str) -> Answer<Option<Value>> {
        Ok(host::pop_left(key)?.map(Value::new))
    }

    /// Takes the last value away. If its answer is lost, the value is too.
    pub fn pop_right(&self, key: &str) -> Answer<Option<Value>> {
        Ok(host::pop_right(key)?.map(Value::new))
    }

    /// The values from `start` to `stop`, both included; negative ones count from the end.
    pub fn range(&self, key: &str, start: i64, stop: i64) -> Answer<Vec<Value>> {
        Ok(host::range(key, start, stop)?.into_iter().map(Value::new).collect())
    }

    /// Keeps only the values from `start` to `stop`.
    pub fn trim(&self, key: &str, start: i64, stop: i64) -> Answer<()> {
        host::trim(key, start, stop)
    }

    /// How many values a list has.
    pub fn length(&self, key: &str) -> Answer<u64> {
        host::length(key)
    }
}

/// Sets and sorted sets.
impl Redis {
    /// Adds members. Answers with how many are new.
    pub fn set_add<V: Into<Vec<u8>>>(
        &self,
        key: &str,
        members: impl IntoIterator<Item = V>,
    ) -> Answer<u64> {
        host::set_add(key, &all(members))
    }

    /// Removes members. Answers with how many were there.
    pub fn set_remove<V: Into<Vec<u8>>>(
        &self,
        key: &str,
        members: impl IntoIterator<Item = V>,
    ) -> Answer<u64> {
        host::set_remove(key, &all(members))
    }

    /// All members, in no order.
    pub fn set_members(&self, key: &str) -> Answer<Vec<Value>> {
        Ok(host::set_members(key)?.into_iter().map(Value::new).collect())
    }

    /// Whether it is a member.
    pub fn set_contains(&self, key: &str, member: impl AsRef<[u8]>) -> Answer<bool> {
        host::set_contains(key, member.as_ref())
    }

    /// Adds members with their scores, or moves them. Answers with how many are new.
    pub fn sorted_add<V: Into<Vec<u8>>>(
        &self,
        key: &str,
        members: impl IntoIterator<Item = (f64, V)>,
    ) -> Answer<u64> {
        let members = members.into_iter().map(|(score, member)| (score, member.into()));
        host::sorted_add(key, members.collect())
    }

    /// Removes members. Answers with how many were there.
    pub fn sorted_remove<V: Into<Vec<u8>>>(
        &self,
        key: &str,
        members: impl IntoIterator<Item = V>,
    ) -> Answer<u64> {
        host::sorted_remove(key, &all(members))
    }

    /// Members by score, the lowest first, from `lowest` to `highest`, both included, at most so many.
    pub fn sorted_range(
        &self,
        key: &str,
        lowest: f64,
        highest: f64,
        most: u32,
    ) -> Answer<Vec<(f64, Value)>> {
        let members = host::sorted_range(key, lowest, highest, most)?.into_iter();
        Ok(members.map(|(score, member)| (score, Value::new(member))).collect())
    }

    /// The score of a member.
    pub fn sorted_score(&self, key: &str, member: impl AsRef<[u8]>) -> Answer<Option<f64>> {
        host::sorted_score(key, member.as_ref())
    }
}
