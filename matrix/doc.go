// Package matrix measures which pairs of NAT kinds let their hosts talk directly: all
// 81 pairs of RFC 4787's nine, in one lab whose routers change their kind while they
// run, each pair beside what package theory expects of it.
package matrix
