//go:build race

package endurance

// raceDetector is whether this test and its programs were built with it.
const raceDetector = true
