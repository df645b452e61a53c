//! Memory, summed. Wasmtime's own limiter looks at each memory alone, and a component may have many.

use crate::limits::Limits;
use wasmtime::ResourceLimiter;

/// Counts what all memories and tables of an event hold together.
#[derive(Debug)]
pub(crate) struct Meter {
    memory: usize,
    table_elements: usize,
    max_memory: usize,
    max_table_elements: usize,
    refused: bool,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory: 0,
            table_elements: 0,
            max_memory: limits.memory_bytes,
            max_table_elements: limits.table_elements,
            refused: false,
        }
    }

    /// Memories only grow, so what they hold is also the most that they held.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Whether the guest was ever refused memory. Most languages answer that with a trap of their own, whose cause
    /// would otherwise be a riddle.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _most: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory - current.min(self.memory) + desired;
        let granted = total <= self.max_memory;
        if granted {
            self.memory = total;
        } else {
            self.refused = true;
        }
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _most: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table_elements - current.min(self.table_elements) + desired;
        let granted = total <= self.max_table_elements;
        if granted {
            self.table_elements = total;
        } else {
            self.refused = true;
        }
        Ok(granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_count_together() {
        let mut meter = Meter::new(&Limits { memory_bytes: 100, ..Limits::default() });
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(!meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.memory_growing(60, 80, None).unwrap());
        assert_eq!((meter.memory(), meter.refused()), (80, true));
    }
}
