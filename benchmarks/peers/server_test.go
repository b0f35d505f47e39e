package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func TestRawFollowsThePages(t *testing.T) {
	pages := map[string]string{
		"":     `{"kind":"DeploymentList","apiVersion":"apps/v1","metadata":{"continue":"more"},"items":[{}]}`,
		"more": `{"kind":"DeploymentList","apiVersion":"apps/v1","metadata":{},"items":[]}`,
	}
	kubeconfig := fakeServer(t, func(answer http.ResponseWriter, request *http.Request) {
		expect(t, "path", request.URL.Path, "/apis/apps/v1/namespaces/shop/deployments")
		expect(t, "limit", request.URL.Query().Get("limit"), "500")
		expect(t, "credentials", request.Header.Get("Authorization"), "Bearer secret")
		fmt.Fprint(answer, pages[request.URL.Query().Get("continue")])
	})
	result := printed(t, "raw", "--kubeconfig", kubeconfig, "--namespace", "shop")
	expect(t, "bytes", result["bytes"], float64(len(pages[""])+len(pages["more"])))
}

func TestRawFetchesEverythingAtOnce(t *testing.T) {
	kubeconfig := fakeServer(t, func(answer http.ResponseWriter, request *http.Request) {
		expect(t, "query", request.URL.RawQuery, "")
		fmt.Fprint(answer, `{"metadata":{},"items":[]}`)
	})
	expect(t, "bytes", printed(t, "raw", "--kubeconfig", kubeconfig, "--pages", "0")["bytes"], 26)
}

func TestConvergePostsTheBytesOfTheFile(t *testing.T) {
	const format = `{"metadata":{"namespace":"shop","name":"web-%d"},  "spec":1.50}`
	var posted atomic.Int32
	kubeconfig := fakeServer(t, func(answer http.ResponseWriter, request *http.Request) {
		content, _ := io.ReadAll(request.Body)
		expect(t, "request", request.Method+" "+request.URL.Path, "POST /apis/apps/v1/namespaces/shop/deployments")
		expect(t, "body", strings.HasSuffix(string(content), `"},  "spec":1.50}`), true)
		posted.Add(1)
		answer.WriteHeader(http.StatusCreated)
	})
	result := printed(t, "converge", "--kubeconfig", kubeconfig, "--bodies", lines(t, 20, format), "--connections", "4")
	expect(t, "objects", result["objects"], 20)
	expect(t, "posted", posted.Load(), 20)
}

func TestConvergeFailsAsTheServerSays(t *testing.T) {
	kubeconfig := fakeServer(t, func(answer http.ResponseWriter, _ *http.Request) {
		http.Error(answer, "already exists", http.StatusConflict)
	})
	reason := refused(t, "converge", "--kubeconfig", kubeconfig, "--bodies", lines(t, 2, deployment))
	expect(t, "reason", strings.Contains(reason, "409 Conflict: already exists"), true)
}

func TestWatchPatchRepairsWhatIsMarked(t *testing.T) {
	const event = `{"type":"%s","object":{"metadata":{"namespace":"shop","name":"%s","annotations":{"%s":"1"}}}}` + "\n"
	var patched atomic.Value
	kubeconfig := fakeServer(t, func(answer http.ResponseWriter, request *http.Request) {
		switch {
		case request.Method == http.MethodPatch:
			content, _ := io.ReadAll(request.Body)
			patched.Store(request.URL.Path + " " + string(content))
		case request.URL.Query().Has("watch"):
			expect(t, "from", request.URL.Query().Get("resourceVersion"), "7")
			fmt.Fprintf(answer, event, "MODIFIED", "other", "note")
			fmt.Fprintf(answer, event, "DELETED", "gone", driftAnnotation)
			fmt.Fprintf(answer, event, "MODIFIED", "web", driftAnnotation)
		default:
			fmt.Fprint(answer, `{"metadata":{"resourceVersion":"7"},"items":[]}`)
		}
	})
	expect(t, "repaired", printed(t, "watchpatch", "--kubeconfig", kubeconfig, "--count", "1")["repaired"], 1)
	expect(t, "patch", patched.Load(), any("/apis/apps/v1/namespaces/shop/deployments/web "+removeDrift))
}

func TestWatchPatchFailsWhenTheWatchEnds(t *testing.T) {
	kubeconfig := fakeServer(t, func(answer http.ResponseWriter, request *http.Request) {
		if !request.URL.Query().Has("watch") {
			fmt.Fprint(answer, `{"metadata":{"resourceVersion":"7"},"items":[]}`)
		}
	})
	reason := refused(t, "watchpatch", "--kubeconfig", kubeconfig, "--count", "1")
	expect(t, "reason", strings.Contains(reason, "ended after 0 repairs"), true)
}

func TestArgumentsAreChecked(t *testing.T) {
	for _, arguments := range [][]string{
		{}, {"nothing"}, {"raw"}, {"raw", "left", "over"}, {"compare", "--engine", "none"},
		{"events", "--count", "0"}, {"sync", "--mode", "none", "--kubeconfig", fakeServer(t, nil)},
		{"sync", "--initial", "none"}, {"converge", "--bodies", "/nowhere"},
	} {
		if reason := refused(t, arguments...); reason == "" {
			t.Errorf("%v: no reason", arguments)
		}
	}
}
