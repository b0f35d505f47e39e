package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// memory is what the process occupies after a garbage collection, in bytes.
type memory struct {
	resident int64
	heap     int64
}

// measureMemory collects garbage and returns the freed pages to the system first, so that only what is in use counts.
func measureMemory() (memory, error) {
	runtime.GC()
	debug.FreeOSMemory()
	content, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return memory{}, fmt.Errorf("memory of the process: %w; only Linux tells", err)
	}
	var size, resident int64
	if _, err := fmt.Fscan(bytes.NewReader(content), &size, &resident); err != nil {
		return memory{}, fmt.Errorf("memory of the process: %w", err)
	}
	var statistics runtime.MemStats
	runtime.ReadMemStats(&statistics)
	return memory{resident * int64(os.Getpagesize()), int64(statistics.HeapAlloc)}, nil
}

// processorTime returns what the process has used of all processors, in user and in system mode.
func processorTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("processor time of the process: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// A moment is a point in time, and the processor time used until then.
type moment struct {
	at  time.Time
	cpu time.Duration
	err error
}

func now() moment {
	cpu, err := processorTime()
	return moment{time.Now(), cpu, err}
}
