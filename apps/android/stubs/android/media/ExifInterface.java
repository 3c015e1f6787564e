package android.media;

public class ExifInterface {
    public static final String TAG_ORIENTATION = "Orientation";
    public ExifInterface(java.io.InputStream inputStream) throws java.io.IOException {}
    public int getAttributeInt(String tag, int defaultValue) { return defaultValue; }
}
