//! Native modules that need only the runtime's public face. The list below is the table of contents.
