package scenarios

import "embed"

// Lessons holds every scenario's lesson: NAME/lesson.md and, in Chinese,
// NAME/lesson.zh.md.
//
//go:embed */lesson.md */lesson.zh.md
var Lessons embed.FS
