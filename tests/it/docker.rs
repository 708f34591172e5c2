//! Against a real Docker engine. Everything that is made carries a name of its own and is taken away again.

mod builds;
mod lists;
mod yard;
