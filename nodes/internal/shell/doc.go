// Package shell runs commands where there is no shell: an interpreter of the shell
// language with the commands that a reader types built in, in a process of its own
// that can be ended whatever it does.
//
// Run starts the process, which is this program again with the command that
// Command returns; no other program is ever started, from neither process.
package shell
