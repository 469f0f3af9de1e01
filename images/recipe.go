package images

import "strings"

// The recipe: whatever decides what is in the image beside the sources. The
// Dockerfile states the same, and TestDockerfileHasTheRecipe compares them.
// It is part of the digest, so that changing it rebuilds the image.

const (
	binDirectory = "bin" // where the programs are, below the root
	pathVariable = "PATH=/bin"
	workingDir   = "/"
	userName     = "" // root: a router needs it; the others say user: in Compose

	// nodesPattern names every package of nodes/; of several packages, go build
	// writes only the programs.
	nodesPattern = "./nodes/..."
)

// buildFlags are the flags of go build. Neither the directory nor the commit
// may find its way into a binary, or no two builds would be the same.
func buildFlags() []string {
	return []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w"}
}

// buildEnv is the environment that the Dockerfile sets too. Each variable has a
// value, since "go env -w" decides about those that are empty. The
// instruction sets are the oldest that Go supports or, for arm, that has
// floating point: the image must run wherever the engine does.
func buildEnv() []string {
	return []string{
		"CGO_ENABLED=0",
		"GOFLAGS=-mod=readonly",
		"GOFIPS140=off",
		"GO386=sse2",
		"GOAMD64=v1",
		"GOARM=6",
		"GOARM64=v8.0",
	}
}

// recipe is the text of the above for the digest.
func recipe() string {
	lines := []string{binDirectory, pathVariable, workingDir, userName, nodesPattern}
	lines = append(lines, buildFlags()...)
	lines = append(lines, buildEnv()...)
	return strings.Join(lines, "\n")
}
