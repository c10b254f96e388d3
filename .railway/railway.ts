// Railway's Infrastructure as Code: docs/how-to/deploy/railway.md
import { defineRailway, image, preserve, project, service, volume } from "railway/iac";

export default defineRailway(() => {
  const data = volume("hookgram-data", { sizeMB: 500 }); // what the free plan allows

  const hookgram = service("hookgram", {
    // An image, because Railway's builder refuses the Dockerfile's VOLUME.
    source: image("ghcr.io/OWNER/hookgram:0.1"),
    healthcheck: "/health",
    healthcheckTimeout: 120,
    replicas: 1, // one process owns the SQLite file
    volumeMounts: { "/data": data },
    env: {
      RAILWAY_RUN_UID: "0", // volumes belong to root
      RAILWAY_DEPLOYMENT_DRAINING_SECONDS: "40", // SHUTDOWN_GRACE_SEC, and ten seconds to close; the default is 0
      BOT_TOKEN: preserve(), // set by hand, kept here
      TELEGRAM_SECRET_TOKEN: preserve(),
      TARGET_WEBHOOK_URL: preserve(),
      AUTHORIZED_CHAT_IDS: preserve(),
    },
  });

  return project("telegram-webhook-gateway", { resources: [data, hookgram] });
});
