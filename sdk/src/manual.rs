//! The manual.
pub mod steps {
    //! Steps.
}
