#include <systemc>

/// Debian's SystemC library refers to sc_main, but bondsim's programs have a main of their own and start the kernel themselves.
int sc_main(int, char*[]) { return 0; }
