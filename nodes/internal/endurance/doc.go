// Package endurance tries every form of relay as the program that a node runs, in a
// process of its own: very many connections that end in every way, very many that are
// slow, peers that vanish and relays that are started again. It has tests alone.
package endurance
