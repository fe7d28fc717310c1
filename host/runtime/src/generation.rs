//! One immutable set of components, and which of them answers for which function.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::function::{FunctionConfig, RefusedFunction};
use protocol::id::FunctionId;

use crate::component::{Component, LoadError};

/// One immutable set of components.
#[derive(Debug, Default)]
pub struct Generation {
    components: Vec<Arc<Component>>,
    owners: BTreeMap<FunctionId, usize>,
}

impl Generation {
    /// Adds a component; refused when another one has one of its functions already.
    pub fn add(&mut self, component: Arc<Component>) -> Result<(), LoadError> {
        let index = self.components.len();
        for function in component.functions() {
            if let Some(&owner) = self.owners.get(&function.id) {
                return Err(LoadError::Duplicate {
                    component: component.name().to_owned(),
                    function: function.id.clone(),
                    owner: self.components[owner].name().to_owned(),
                });
            }
        }
        self.owners
            .extend(component.functions().iter().map(|function| (function.id.clone(), index)));
        self.components.push(component);
        Ok(())
    }

    /// The component that answers for a function, and the function's full id.
    pub fn find(&self, function: &str) -> Option<(&FunctionId, &Arc<Component>)> {
        // Ids compare like their text.
        let id: FunctionId = function.parse().ok()?;
        let (id, &index) = self.owners.get_key_value(&id)?;
        Some((id, &self.components[index]))
    }

    /// All components, in the order in which they were added.
    pub fn components(&self) -> &[Arc<Component>] {
        &self.components
    }

    /// All functions, sorted by id.
    pub fn functions(&self) -> impl Iterator<Item = &FunctionConfig> {
        self.owners.iter().filter_map(|(id, &index)| {
            self.components[index].functions().iter().find(|function| function.id == *id)
        })
    }

    /// The functions that are left out because of their faults, each with the name of its component.
    pub fn refused(&self) -> impl Iterator<Item = (&str, &RefusedFunction)> {
        self.components.iter().flat_map(|component| {
            component.refused().iter().map(|refused| (component.name(), refused))
        })
    }
}
