// The camera, or the sentence that says why there is none.

const REASONS = {
  NotAllowedError: "This page is not allowed to use the camera: allow it in the browser's address bar.",
  NotFoundError: "There is no camera on this device: choose an image instead.",
  NotReadableError: "The camera is in use by another program: close it and try again.",
  OverconstrainedError: "That camera is no longer connected: choose another one.",
};

/** Shows the camera in a <video>, the back camera unless `deviceId` names one; `ended` is told of its end. */
export async function openCamera(video, deviceId, ended) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("Browsers allow the camera only over https or on this device: choose an image instead.");
  }
  const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: "environment" } };
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { ...which, width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    video.srcObject.getVideoTracks()[0].onended = ended;
    await video.play();
  } catch (error) {
    closeCamera(video);
    throw new Error(REASONS[error.name] ?? `The camera cannot be used: ${error.message}`);
  }
}

export function closeCamera(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

/** The cameras to choose from, as { id, label }; labels are known once one was allowed. */
export async function listCameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((device) => device.kind === "videoinput")
    .map((device, i) => ({ id: device.deviceId, label: device.label || `Camera ${i + 1}` }));
}

export function deviceOf(video) {
  return video.srcObject?.getVideoTracks()[0]?.getSettings().deviceId;
}
