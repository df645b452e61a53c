//! What compliance is decided on: numbers, consent, suppression.
