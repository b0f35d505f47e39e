package main

import (
	"strings"
	"testing"
)

const deployment = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web-%d","labels":{"app":"web"}},` +
	`"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},` +
	`"spec":{"containers":[{"name":"web","image":"nginx:1.27"}]}}}}`

func compared(t *testing.T, engine, live string) map[string]float64 {
	t.Helper()
	return printed(t, "compare", "--engine", engine, "--seconds", "0.01",
		"--expected", lines(t, 3, deployment), "--live", lines(t, 3, live))
}

func TestEnginesFindNoDifferenceInEqualPairs(t *testing.T) {
	for engine := range engines {
		t.Run(engine, func(t *testing.T) {
			result := compared(t, engine, deployment)
			expect(t, "different", result["different"], 0)
			if result["objects"] < 3 || result["seconds"] <= 0 {
				t.Errorf("less than one round: %v", result)
			}
		})
	}
}

func TestEnginesFindAChangedField(t *testing.T) {
	changed := strings.Replace(deployment, "nginx:1.27", "nginx:1.28", 1)
	for engine := range engines {
		t.Run(engine, func(t *testing.T) {
			expect(t, "different", compared(t, engine, changed)["different"], 3)
		})
	}
}

func TestOnlyEqualityFindsWhatOnlyLiveHas(t *testing.T) {
	added := strings.Replace(deployment, `"image"`, `"workingDir":"/tmp","image"`, 1)
	for engine, different := range map[string]float64{"argocd": 0, "deepderivative": 0, "equality": 3} {
		expect(t, engine, compared(t, engine, added)["different"], different)
	}
}

func TestFilesHaveToHaveAsManyObjects(t *testing.T) {
	reason := refused(t, "compare", "--engine", "equality", "--expected", lines(t, 2, deployment), "--live", lines(t, 3, deployment))
	expect(t, "the number is named", strings.Contains(reason, "has 2 objects"), true)
}
