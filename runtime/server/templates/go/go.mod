// The bindings' packages are generated into a module of this name.
module wit_component

go 1.27

require go.bytecodealliance.org/pkg v0.4.0
