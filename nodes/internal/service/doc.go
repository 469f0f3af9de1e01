// Package service is the program server: the tutorials' services, any number of
// them in one process, on TCP and UDP.
//
// A service is a file of its own that adds itself to All in an init function;
// echo.go is the example to copy. What every service gets from here: listening,
// events of all that happens, an idle limit, the answer to a client that asks for
// its observed address, and an orderly end.
package service
